// Vectors as the compiler's own extension types: one source for every instruction set, width chosen by the build.
#pragma once
#include <cstdint>
#include <cstring>

#ifndef FLAMBEAU_VECTOR_BYTES
#define FLAMBEAU_VECTOR_BYTES 16
#endif

#define FLAMBEAU_INLINE inline __attribute__((always_inline))

namespace flambeau {

constexpr int kVectorBytes = FLAMBEAU_VECTOR_BYTES;

template <class T, int Bytes = kVectorBytes> struct VecOf {
  typedef T type __attribute__((vector_size(Bytes)));
};
template <class T> using Vec = typename VecOf<T>::type;
template <class T> constexpr int kLanes = kVectorBytes / int(sizeof(T));

template <class T> FLAMBEAU_INLINE Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T> FLAMBEAU_INLINE void store(T* p, Vec<T> v) { std::memcpy(p, &v, sizeof v); }
template <class T> FLAMBEAU_INLINE Vec<T> splat(T x) { return x - Vec<T>{}; }

// The first n lanes; the others are zero.
template <class T> FLAMBEAU_INLINE Vec<T> loadPart(const T* p, int64_t n) {
  Vec<T> v{};
  std::memcpy(&v, p, size_t(n) * sizeof(T));
  return v;
}
template <class T> FLAMBEAU_INLINE void storePart(T* p, Vec<T> v, int64_t n) { std::memcpy(p, &v, size_t(n) * sizeof(T)); }

}  // namespace flambeau
