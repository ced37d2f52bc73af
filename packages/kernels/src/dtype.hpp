// Element types as the frame names them. The codes are shared with packages/flambeau/src/core/dtype.ts.
#pragma once
#include <cstdint>
#include <cstring>

namespace flambeau {

enum class DType : int { f32, f64, f16, bf16, i8, i16, i32, i64, u8, boolean };
constexpr int kDTypes = 10;

inline float bitsToFloat(uint32_t bits) { float f; std::memcpy(&f, &bits, 4); return f; }
inline uint32_t floatToBits(float f) { uint32_t bits; std::memcpy(&bits, &f, 4); return bits; }

// IEEE binary16, converted by integer arithmetic so that every target rounds alike (to nearest, ties to even).
struct Half {
  uint16_t bits;
  Half() = default;
  explicit Half(float f) {
    const uint32_t x = floatToBits(f), sign = (x >> 16) & 0x8000u, mag = x & 0x7fffffffu;
    if (mag > 0x7f800000u) { bits = uint16_t(sign | 0x7e00u); return; }
    if (mag >= 0x477ff000u) { bits = uint16_t(sign | 0x7c00u); return; }  // 65520 and above round to inf
    if (mag < 0x38800000u) {
      // Subnormal: adding 0.5 lines the mantissa up with binary16's lowest bit and rounds in hardware.
      bits = uint16_t(sign | (floatToBits(bitsToFloat(mag) + 0.5f) - 0x3f000000u));
      return;
    }
    bits = uint16_t(sign | ((mag - 0x38000000u + 0xfffu + ((mag >> 13) & 1u)) >> 13));
  }
  explicit operator float() const {
    const uint32_t sign = uint32_t(bits & 0x8000u) << 16, mag = bits & 0x7fffu;
    if (mag >= 0x7c00u) return bitsToFloat(sign | 0x7f800000u | (mag & 0x3ffu) << 13);
    if (mag < 0x400u) return bitsToFloat(sign | floatToBits(float(mag) * 5.9604644775390625e-8f));
    return bitsToFloat(sign | ((mag << 13) + 0x38000000u));
  }
};

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(float f) {
    const uint32_t x = floatToBits(f);
    bits = (x & 0x7fffffffu) > 0x7f800000u ? uint16_t(0x7fc0u) : uint16_t((x + 0x7fffu + ((x >> 16) & 1u)) >> 16);
  }
  explicit operator float() const { return bitsToFloat(uint32_t(bits) << 16); }
};

struct Bool {
  uint8_t value;
  Bool() = default;
  explicit Bool(bool b) : value(b) {}
};

inline int itemSize(DType t) {
  constexpr int sizes[kDTypes] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 1};
  return sizes[int(t)];
}

// to<T>(v) and from(x): conversion between an element and the type it is computed in, with C's truncation for float -> int.
template <class C> inline C from(float x) { return C(x); }
template <class C> inline C from(double x) { return C(x); }
template <class C> inline C from(Half x) { return C(float(x)); }
template <class C> inline C from(BFloat16 x) { return C(float(x)); }
template <class C> inline C from(int8_t x) { return C(x); }
template <class C> inline C from(int16_t x) { return C(x); }
template <class C> inline C from(int32_t x) { return C(x); }
template <class C> inline C from(int64_t x) { return C(x); }
template <class C> inline C from(uint8_t x) { return C(x); }
template <class C> inline C from(Bool x) { return C(x.value != 0); }

// A float outside the integer's range is undefined in C++; here it becomes the lowest int64, as x86 gives.
template <class F> inline int64_t truncate(F v) {
  return v >= F(-9223372036854775808.0) && v < F(9223372036854775808.0) ? int64_t(v) : INT64_MIN;
}
// The signed types of up to 32 bits go through int32 and wrap from there, as in PyTorch; uint8 and int64 through int64.
template <class T, class F> inline T truncateTo(F v) {
  if constexpr (T(-1) < T(0) && sizeof(T) <= 4)
    return T(v >= F(-2147483648.0) && v < F(2147483648.0) ? int32_t(v) : INT32_MIN);
  else
    return T(truncate(v));
}
template <class T, class C> struct To { static T of(C v) { return T(v); } };
template <class T> struct To<T, float> { static T of(float v) { return truncateTo<T>(v); } };
template <class T> struct To<T, double> { static T of(double v) { return truncateTo<T>(v); } };
template <> struct To<float, float> { static float of(float v) { return v; } };
template <> struct To<double, float> { static double of(float v) { return v; } };
template <> struct To<float, double> { static float of(double v) { return float(v); } };
template <> struct To<double, double> { static double of(double v) { return v; } };
template <class C> struct To<Half, C> { static Half of(C v) { return Half(float(v)); } };
template <class C> struct To<BFloat16, C> { static BFloat16 of(C v) { return BFloat16(float(v)); } };
template <class C> struct To<Bool, C> { static Bool of(C v) { return Bool(v != C(0)); } };
template <> struct To<Half, float> { static Half of(float v) { return Half(v); } };
template <> struct To<Half, double> { static Half of(double v) { return Half(float(v)); } };
template <> struct To<BFloat16, float> { static BFloat16 of(float v) { return BFloat16(v); } };
template <> struct To<BFloat16, double> { static BFloat16 of(double v) { return BFloat16(float(v)); } };
template <> struct To<Bool, float> { static Bool of(float v) { return Bool(v != 0); } };
template <> struct To<Bool, double> { static Bool of(double v) { return Bool(v != 0); } };
template <class T, class C> inline T to(C v) { return To<T, C>::of(v); }

// Calls f.template operator()<T>() style visitors: dispatch(dtype, [&](auto tag) { using T = decltype(tag); … }).
template <class F> inline auto dispatch(DType t, F&& f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::f16: return f(Half{});
    case DType::bf16: return f(BFloat16{});
    case DType::i8: return f(int8_t{});
    case DType::i16: return f(int16_t{});
    case DType::i32: return f(int32_t{});
    case DType::i64: return f(int64_t{});
    case DType::u8: return f(uint8_t{});
    default: return f(Bool{});
  }
}

// The type an element is computed in: float for the 16-bit floats, int64 for integers and bool.
template <class T> struct ComputeType { using type = int64_t; };
template <> struct ComputeType<float> { using type = float; };
template <> struct ComputeType<Half> { using type = float; };
template <> struct ComputeType<BFloat16> { using type = float; };
template <> struct ComputeType<double> { using type = double; };
template <class T> using Compute = typename ComputeType<T>::type;

}  // namespace flambeau
