// The elementary functions behind the random distributions. They give the same bits on every target, and log and sincos
// give glibc's (its FMA builds), because that is what PyTorch's float64 streams are made with.
#pragma once

namespace flambeau {

double streamLog(double x);                           // x >= 0
void streamSinCos(double x, double* sin, double* cos);  // |x| < 1e8
double streamTan(double x);                           // |x| < 1e8; within 2 ulp
double streamExp(double x);                           // within 1 ulp
double streamLogFactorial(double n);                  // log(n!) for an integer n >= 0

// Sixteen float32 uniforms in [0, 1), in place, to sixteen normals: the first eight are the radii's, the last the angles'.
void boxMuller16(float* data, float mean, float std);

}  // namespace flambeau
