// The instructions of the pointwise machine: their names, and for each compute class the function that runs one over a tile.
#pragma once
#include "kernel.hpp"

namespace flambeau {

// X(identifier, name, arity, cost). TypeScript knows primitives by name; the opcode is the position in this table.
// The cost, in additions of float, only decides how work is cut for threads.
#define FLAMBEAU_PRIMITIVES(X)                                                                                           \
  X(mov, "mov", 1, 1) X(neg, "neg", 1, 1) X(abs, "abs", 1, 1) X(sign, "sign", 1, 1) X(recip, "recip", 1, 2)              \
  X(sqrt, "sqrt", 1, 2) X(rsqrt, "rsqrt", 1, 3) X(exp, "exp", 1, 4) X(exp2, "exp2", 1, 4) X(expm1, "expm1", 1, 5)        \
  X(log, "log", 1, 5) X(log1p, "log1p", 1, 6) X(log2, "log2", 1, 8) X(log10, "log10", 1, 8) X(sin, "sin", 1, 8)          \
  X(cos, "cos", 1, 8) X(tan, "tan", 1, 10) X(asin, "asin", 1, 60) X(acos, "acos", 1, 60) X(atan, "atan", 1, 6)           \
  X(sinh, "sinh", 1, 12) X(cosh, "cosh", 1, 12) X(tanh, "tanh", 1, 6) X(asinh, "asinh", 1, 14) X(acosh, "acosh", 1, 14)  \
  X(atanh, "atanh", 1, 14) X(sigmoid, "sigmoid", 1, 6) X(erf, "erf", 1, 8) X(erfc, "erfc", 1, 80)                        \
  X(erfinv, "erfinv", 1, 400) X(lgamma, "lgamma", 1, 100) X(digamma, "digamma", 1, 150) X(floor, "floor", 1, 1)          \
  X(ceil, "ceil", 1, 1) X(round, "round", 1, 1) X(trunc, "trunc", 1, 1) X(logicalNot, "not", 1, 1)                       \
  X(bitNot, "bitNot", 1, 1) X(isnan, "isnan", 1, 1) X(isinf, "isinf", 1, 1)                                              \
  X(besselI0, "i0", 1, 200) X(besselI0e, "i0e", 1, 200) X(besselI1, "i1", 1, 200) X(besselI1e, "i1e", 1, 200)            \
  X(besselK0, "k0", 1, 800) X(besselK0e, "k0e", 1, 800) X(besselK1, "k1", 1, 800) X(besselK1e, "k1e", 1, 800)            \
  X(besselJ0, "j0", 1, 300) X(besselJ1, "j1", 1, 300) X(besselY0, "y0", 1, 300) X(besselY1, "y1", 1, 300)                \
  X(airyAi, "airyAi", 1, 800) X(erfcx, "erfcx", 1, 100) X(ndtri, "ndtri", 1, 500)                                        \
  X(significand, "significand", 1, 20) X(exponent, "exponent", 1, 20)                                                    \
  X(zeta, "zeta", 2, 800) X(igamma, "igamma", 2, 300) X(igammac, "igammac", 2, 300)                                      \
  X(add, "add", 2, 1) X(sub, "sub", 2, 1) X(mul, "mul", 2, 1) X(div, "div", 2, 2) X(idivFloor, "idivFloor", 2, 20)       \
  X(idivTrunc, "idivTrunc", 2, 10) X(rem, "rem", 2, 20) X(fmod, "fmod", 2, 20) X(pow, "pow", 2, 20)                      \
  X(atan2, "atan2", 2, 80) X(max, "max", 2, 1) X(min, "min", 2, 1) X(fmax, "fmax", 2, 1) X(fmin, "fmin", 2, 1)           \
  X(hypot, "hypot", 2, 10) X(copysign, "copysign", 2, 1) X(nextafter, "nextafter", 2, 20) X(eq, "eq", 2, 1)              \
  X(ne, "ne", 2, 1) X(lt, "lt", 2, 1) X(le, "le", 2, 1) X(gt, "gt", 2, 1) X(ge, "ge", 2, 1) X(bitAnd, "and", 2, 1)       \
  X(bitOr, "or", 2, 1) X(bitXor, "xor", 2, 1) X(shl, "shl", 2, 1) X(shr, "shr", 2, 1) X(where, "where", 3, 1)            \
  X(fma, "fma", 3, 1) X(orthogonal, "orthogonal", 3, 100)

enum class Primitive : int {
#define X(id, name, arity, cost) id,
  FLAMBEAU_PRIMITIVES(X)
#undef X
};

struct PrimitiveInfo {
  const char* name;
  int arity, cost;
};
constexpr PrimitiveInfo kPrimitives[] = {
#define X(id, name, arity, cost) {name, arity, cost},
    FLAMBEAU_PRIMITIVES(X)
#undef X
};
constexpr int kPrimitiveCount = int(sizeof kPrimitives / sizeof *kPrimitives);

enum ComputeClass : int { kClassF32, kClassF64, kClassI32, kClassI64 };
constexpr int kComputeClasses = 4;

// dst[i] = f(a[i], b[i], c[i]) for i < n; dst may be one of the operands. Bit k of `broadcast` says that operand k is one
// vector's width of equal values, to be read again and again. Answers a Status.
using TileFn = int (*)(void* dst, const void* a, const void* b, const void* c, unsigned broadcast, int64_t n);

// Null where the class has no such primitive.
TileFn primitiveF32(Primitive op);
TileFn primitiveF64(Primitive op);
TileFn primitiveI32(Primitive op);
TileFn primitiveI64(Primitive op);

inline TileFn primitiveFor(int computeClass, Primitive op) {
  switch (computeClass) {
    case kClassF32: return primitiveF32(op);
    case kClassF64: return primitiveF64(op);
    case kClassI32: return primitiveI32(op);
    default: return primitiveI64(op);
  }
}

// Copies fewer bytes than a vector has, in a few fixed-size moves.
template <int Unit> FLAMBEAU_INLINE void copyFew(void* to, const void* from, int64_t bytes) {
  auto* d = static_cast<char*>(to);
  auto* s = static_cast<const char*>(from);
  const auto step = [&](auto size) {
    if (sizeof size < Unit || sizeof size >= kVectorBytes || !(bytes & int64_t(sizeof size))) return;
    std::memcpy(d, s, sizeof size);
    d += sizeof size;
    s += sizeof size;
  };
  struct B32 { char b[32]; };
  struct B16 { char b[16]; };
  step(B32{});
  step(B16{});
  step(int64_t{});
  step(int32_t{});
}

// The loop of every vectorised primitive. What does not fill a vector goes through padded copies and the same loop again,
// so f is compiled once. Long runs first reach a boundary of dst: vectors across cache lines cost twice as much. Pointers of
// absent operands repeat an operand that is there.
template <int Arity, class T, class F>
FLAMBEAU_INLINE void vectorLoop(T* dst, const T* a, const T* b, const T* c, unsigned broadcast, int64_t n, F f) {
  constexpr int L = kLanes<T>;
  const int64_t stepA = broadcast & 1 ? 0 : 1, stepB = broadcast & 2 ? 0 : 1, stepC = broadcast & 4 ? 0 : 1;
  alignas(kVectorBytes) T padded[4][L];
  const int64_t past = int64_t(reinterpret_cast<uintptr_t>(dst) % kVectorBytes);
  int64_t head = n >= 16 * L && past ? (kVectorBytes - past) / int64_t(sizeof(T)) : 0;
  while (n > 0) {
    const int64_t part = head ? head : n < L ? n : 0, count = part ? part : n - n % L;
    const T *pa = a, *pb = b, *pc = c;
    T* out = dst;
    if (part) {
      const auto pad = [&](const T*& from, int64_t step, T* copy) {
        if (!step) return;
        store(copy, Vec<T>{});
        copyFew<sizeof(T)>(copy, from, part * int64_t(sizeof(T)));
        from = copy;
      };
      pad(pa, stepA, padded[0]);
      if (Arity > 1) pad(pb, stepB, padded[1]);
      if (Arity > 2) pad(pc, stepC, padded[2]);
      out = padded[3];
    }
    for (int64_t i = 0; i < count; i += L) {
      const Vec<T> x = load(pa + i * stepA), y = Arity > 1 ? load(pb + i * stepB) : x, z = Arity > 2 ? load(pc + i * stepC) : x;
      store(out + i, f(x, y, z));
    }
    if (part) copyFew<sizeof(T)>(dst, padded[3], part * int64_t(sizeof(T)));
    a += count * stepA;
    if (Arity > 1) b += count * stepB;
    if (Arity > 2) c += count * stepC;
    dst += count;
    n -= count;
    head = 0;
  }
}

// The same for what is computed one element at a time; f answers false to stop with kDivisionByZero.
template <int Arity, class T, class F>
FLAMBEAU_INLINE int scalarLoop(T* dst, const T* a, const T* b, const T* c, unsigned broadcast, int64_t n, F f) {
  const int64_t sa = broadcast & 1 ? 0 : 1, sb = broadcast & 2 ? 0 : 1, sc = broadcast & 4 ? 0 : 1;
  for (int64_t i = 0; i < n; i++) {
    const T x = a[i * sa];
    if (!f(dst[i], x, Arity > 1 ? b[i * sb] : x, Arity > 2 ? c[i * sc] : x)) return kDivisionByZero;
  }
  return kOk;
}

#define FLAMBEAU_TILE [](void* dst, [[maybe_unused]] const void* a, [[maybe_unused]] const void* b, [[maybe_unused]] const void* c, unsigned broadcast, int64_t n) -> int
// VECTOR1(exp, vExp(x)) is a case of a switch over Primitive, inside a template over the element type T.
#define FLAMBEAU_VECTOR(arity, op, pa, pb, pc, expression)                                                                \
  case Primitive::op:                                                                                                    \
    return FLAMBEAU_TILE {                                                                                               \
      vectorLoop<arity, T>(static_cast<T*>(dst), static_cast<const T*>(pa), static_cast<const T*>(pb),                   \
                           static_cast<const T*>(pc), broadcast, n,                                                      \
                           []([[maybe_unused]] Vec<T> x, [[maybe_unused]] Vec<T> y, [[maybe_unused]] Vec<T> z) -> Vec<T> { return expression; }); \
      return kOk;                                                                                                        \
    };
#define VECTOR1(op, expression) FLAMBEAU_VECTOR(1, op, a, a, a, expression)
#define VECTOR2(op, expression) FLAMBEAU_VECTOR(2, op, a, b, a, expression)
#define VECTOR3(op, expression) FLAMBEAU_VECTOR(3, op, a, b, c, expression)
#define FLAMBEAU_SCALAR(arity, op, pb, pc, ...)                                                                          \
  case Primitive::op:                                                                                                    \
    return FLAMBEAU_TILE {                                                                                               \
      return scalarLoop<arity, T>(static_cast<T*>(dst), static_cast<const T*>(a), static_cast<const T*>(pb),             \
                                  static_cast<const T*>(pc), broadcast, n,                                               \
                                  [](T & out, [[maybe_unused]] T x, [[maybe_unused]] T y, [[maybe_unused]] T z) -> bool { __VA_ARGS__ }); \
    };
// SCALAR1(asin, out = std::asin(x)); SCALAR2_CHECKED(idivTrunc, …) has a body that answers whether to go on.
#define SCALAR1(op, ...) FLAMBEAU_SCALAR(1, op, a, a, __VA_ARGS__; return true;)
#define SCALAR2(op, ...) FLAMBEAU_SCALAR(2, op, b, a, __VA_ARGS__; return true;)
#define SCALAR3(op, ...) FLAMBEAU_SCALAR(3, op, b, c, __VA_ARGS__; return true;)
#define SCALAR2_CHECKED(op, ...) FLAMBEAU_SCALAR(2, op, b, a, __VA_ARGS__)

}  // namespace flambeau
