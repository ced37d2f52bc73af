// Primitives of the integer classes. Arithmetic wraps, so it is done unsigned; a zero divisor is reported, never trapped on.
#include <limits>
#include <type_traits>

#include "primitives.hpp"

namespace flambeau {
namespace {

template <class T> using Unsigned = std::make_unsigned_t<T>;
template <class T> using UVec = Vec<Unsigned<T>>;

template <class T> FLAMBEAU_INLINE T negate(T x) { return T(Unsigned<T>(0) - Unsigned<T>(x)); }
template <class T> FLAMBEAU_INLINE T quotient(T x, T y) { return y == -1 ? negate(x) : x / y; }
template <class T> FLAMBEAU_INLINE T remainder(T x, T y) { return y == -1 ? T(0) : x % y; }
template <class T> FLAMBEAU_INLINE T floorQuotient(T x, T y) {
  const T q = quotient(x, y);
  return remainder(x, y) != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}
template <class T> FLAMBEAU_INLINE T floorRemainder(T x, T y) {
  const T r = remainder(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
// A negative exponent gives what truncating 1 / x^n would: nonzero for 1 and -1 only.
template <class T> inline T power(T x, T n) {
  if (n < 0) return x == 1 ? 1 : x == -1 ? (n & 1 ? -1 : 1) : 0;
  Unsigned<T> result = 1, square = Unsigned<T>(x);
  for (; n; n >>= 1, square *= square)
    if (n & 1) result *= square;
  return T(result);
}
// Shift counts are taken modulo the width, as the processor takes them and so PyTorch.
template <class T> constexpr T kShiftMask = sizeof(T) * 8 - 1;
template <class T> FLAMBEAU_INLINE Vec<T> shiftLeft(Vec<T> x, Vec<T> n) {
  return (Vec<T>)((UVec<T>)x << (UVec<T>)(n & kShiftMask<T>));
}
template <class T> FLAMBEAU_INLINE Vec<T> shiftRight(Vec<T> x, Vec<T> n) {
  return x >> (n & kShiftMask<T>);
}

template <class T> TileFn intPrimitive(Primitive op) {
  switch (op) {
    case Primitive::floor:
    case Primitive::ceil:
    case Primitive::round:
    case Primitive::trunc: return intPrimitive<T>(Primitive::mov);
    case Primitive::fmax: return intPrimitive<T>(Primitive::max);
    case Primitive::fmin: return intPrimitive<T>(Primitive::min);
    case Primitive::isinf: return intPrimitive<T>(Primitive::isnan);
    VECTOR1(mov, x)
    VECTOR1(neg, (Vec<T>)(UVec<T>{} - (UVec<T>)x))
    VECTOR1(abs, x < T(0) ? (Vec<T>)(UVec<T>{} - (UVec<T>)x) : x)
    VECTOR1(sign, (Vec<T>)(x < T(0)) - (Vec<T>)(x > T(0)))
    VECTOR1(logicalNot, (Vec<T>)(x == T(0)) & T(1))
    VECTOR1(bitNot, ~x)
    VECTOR1(isnan, Vec<T>{})
    VECTOR2(add, (Vec<T>)((UVec<T>)x + (UVec<T>)y))
    VECTOR2(sub, (Vec<T>)((UVec<T>)x - (UVec<T>)y))
    VECTOR2(mul, (Vec<T>)((UVec<T>)x * (UVec<T>)y))
    VECTOR2(max, x > y ? x : y)
    VECTOR2(min, x < y ? x : y)
    VECTOR2(eq, (Vec<T>)(x == y) & T(1))
    VECTOR2(ne, (Vec<T>)(x != y) & T(1))
    VECTOR2(lt, (Vec<T>)(x < y) & T(1))
    VECTOR2(le, (Vec<T>)(x <= y) & T(1))
    VECTOR2(gt, (Vec<T>)(x > y) & T(1))
    VECTOR2(ge, (Vec<T>)(x >= y) & T(1))
    VECTOR2(bitAnd, x & y)
    VECTOR2(bitOr, x | y)
    VECTOR2(bitXor, x ^ y)
    VECTOR2(shl, shiftLeft<T>(x, y))
    VECTOR2(shr, shiftRight<T>(x, y))
    VECTOR3(where, x != T(0) ? y : z)
    VECTOR3(fma, (Vec<T>)((UVec<T>)x * (UVec<T>)y + (UVec<T>)z))
    SCALAR2(pow, out = power(x, y))
    SCALAR2_CHECKED(idivFloor, if (y == 0) return false; out = floorQuotient(x, y); return true;)
    SCALAR2_CHECKED(idivTrunc, if (y == 0) return false; out = quotient(x, y); return true;)
    SCALAR2_CHECKED(rem, if (y == 0) return false; out = floorRemainder(x, y); return true;)
    SCALAR2_CHECKED(fmod, if (y == 0) return false; out = remainder(x, y); return true;)
    default: return nullptr;
  }
}

}  // namespace

TileFn primitiveI32(Primitive op) { return intPrimitive<int32_t>(op); }
TileFn primitiveI64(Primitive op) { return intPrimitive<int64_t>(op); }

}  // namespace flambeau
