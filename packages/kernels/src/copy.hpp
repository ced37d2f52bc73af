// Short copies, inlined: a call of memcpy costs more than the few elements that a row of a small image has.
#pragma once
#include "vec.hpp"

namespace flambeau {

// Many short copies of n elements: whole vectors, the last one overlapping the one before.
template <class T> FLAMBEAU_INLINE void copyRow(T* dst, const T* src, int64_t n) {
  constexpr int lanes = kLanes<T>;
  if (n >= lanes) {
    for (int64_t i = 0; i + lanes < n; i += lanes) store(dst + i, load(src + i));
    store(dst + n - lanes, load(src + n - lanes));
    return;
  }
  const size_t bytes = size_t(n) * sizeof(T);
  const char* s = reinterpret_cast<const char*>(src);
  char* d = reinterpret_cast<char*>(dst);
  const auto ends = [&](auto tag) {
    constexpr size_t half = sizeof tag;
    std::memcpy(d, s, half);
    std::memcpy(d + bytes - half, s + bytes - half, half);
  };
  struct B32 { char b[32]; };
  struct B16 { char b[16]; };
  // The compiler must see that longer halves than a vector's cannot come up.
  if (kVectorBytes > 32 && bytes >= 32) ends(B32{});
  else if (kVectorBytes > 16 && bytes >= 16) ends(B16{});
  else if (bytes >= 8) ends(int64_t{});
  else if (bytes >= 4) ends(int32_t{});
  else if (bytes >= 2) ends(int16_t{});
}

}  // namespace flambeau
