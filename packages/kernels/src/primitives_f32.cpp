#include "primitives_float.hpp"

namespace flambeau {

TileFn primitiveF32(Primitive op) {
  using T = float;
  switch (op) {
    VECTOR1(log2, vLog2(x))
    VECTOR1(log10, vLog10(x))
    VECTOR1(tan, vTan(x))
    VECTOR1(atan, vAtan(x))
    VECTOR1(sinh, vSinh(x))
    VECTOR1(cosh, vCosh(x))
    VECTOR1(asinh, vAsinh(x))
    VECTOR1(acosh, vAcosh(x))
    VECTOR1(atanh, vAtanh(x))
    VECTOR1(erf, vErf(x))
    default: return floatPrimitive<float>(op);
  }
}

}  // namespace flambeau
