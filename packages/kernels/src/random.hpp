// PyTorch's CPU generator: a Mersenne Twister whose live state is the 5056 bytes that get_rng_state() returns.
#pragma once
#include <cstdint>

namespace flambeau {

// Little-endian, each word of the twister in 64 bits, as the format has always been.
struct GeneratorState {
  uint64_t seed;
  int32_t left;  // words until the next twist, plus one
  int32_t seeded;
  uint64_t next;  // index of the next word
  uint64_t words[624];
  double unusedX;
  double nextNormal;  // the second of a pair of normals, when hasNextNormal
  double unusedRho;
  int32_t hasNextNormal;
  int32_t padding;
  float nextFloatNormal;
  int32_t hasNextFloatNormal;
};
static_assert(sizeof(GeneratorState) == 5056, "the layout is a file format");

class Generator {
  static constexpr int kWords = 624, kShift = 397;
  GeneratorState& s_;

  static uint64_t twist(uint64_t u, uint64_t v) {
    return ((u & 0x80000000u) | (v & 0x7fffffffu)) >> 1 ^ ((0 - (v & 1)) & 0x9908b0dfu);
  }
  static uint32_t temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  // Out of line, as take is: dozens of distributions and dtypes call them.
  __attribute__((noinline)) void refill() {
    uint64_t* w = s_.words;
    for (int i = 0; i < kWords - kShift; i++) w[i] = w[i + kShift] ^ twist(w[i], w[i + 1]);
    for (int i = kWords - kShift; i < kWords - 1; i++) w[i] = w[i + kShift - kWords] ^ twist(w[i], w[i + 1]);
    w[kWords - 1] = w[kShift - 1] ^ twist(w[kWords - 1], w[0]);
    s_.left = kWords;
    s_.next = 0;
  }

 public:
  // A state that a user has set may hold anything: counters that would read beyond the words ask for a refill instead.
  explicit Generator(char* state) : s_(*reinterpret_cast<GeneratorState*>(state)) {
    if (s_.left < 1 || s_.left > kWords || s_.next > uint64_t(kWords - s_.left + 1)) s_.left = 1, s_.next = 0;
  }

  void seed(uint64_t seed) {
    s_ = GeneratorState{};
    s_.seed = seed;
    s_.left = s_.seeded = 1;
    uint32_t w = uint32_t(seed);
    s_.words[0] = w;
    for (uint32_t i = 1; i < kWords; i++) s_.words[i] = w = 1812433253u * (w ^ (w >> 30)) + i;
  }

  uint32_t word() {
    if (--s_.left == 0) refill();
    return temper(uint32_t(s_.words[s_.next++]));
  }
  uint64_t word64() {
    const uint64_t high = word();
    return high << 32 | word();
  }
  double uniform() { return double(int64_t(word64() & 0x1fffffffffffffull)) * 0x1p-53; }

  // The next n words at once.
  __attribute__((noinline)) void take(uint32_t* out, int n) {
    while (n > 0) {
      if (s_.left == 1) {
        refill();
        s_.left++;
      }
      const int some = s_.left - 1 < n ? s_.left - 1 : n;
      const uint64_t* w = s_.words + s_.next;
      for (int i = 0; i < some; i++) out[i] = temper(uint32_t(w[i]));
      s_.left -= some;
      s_.next += uint64_t(some);
      out += some;
      n -= some;
    }
  }

  bool takeNextNormal(double* value) {
    if (!s_.hasNextNormal) return false;
    *value = s_.nextNormal;
    s_.nextNormal = 0;
    s_.hasNextNormal = 0;
    return true;
  }
  void keepNextNormal(double value) {
    s_.nextNormal = value;
    s_.hasNextNormal = 1;
  }
};

}  // namespace flambeau
