#include "primitives_float.hpp"

namespace flambeau {

TileFn primitiveF64(Primitive op) {
  using T = double;
  switch (op) {
    SCALAR1(log2, out = std::log2(x))
    SCALAR1(log10, out = std::log10(x))
    SCALAR1(tan, out = std::tan(x))
    SCALAR1(atan, out = std::atan(x))
    SCALAR1(sinh, out = std::sinh(x))
    SCALAR1(cosh, out = std::cosh(x))
    SCALAR1(asinh, out = std::asinh(x))
    SCALAR1(acosh, out = std::acosh(x))
    SCALAR1(atanh, out = std::atanh(x))
    SCALAR1(erf, out = std::erf(x))
    default: return floatPrimitive<double>(op);
  }
}

}  // namespace flambeau
