#include "strided.hpp"

namespace flambeau {
namespace {

template <class T, class C> void loadRun(const char* source, int64_t stride, int64_t n, C* to) {
  const T* p = reinterpret_cast<const T*>(source);
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) to[i] = flambeau::from<C>(p[i]);
  else
    for (int64_t i = 0; i < n; i++) to[i] = flambeau::from<C>(p[i * stride]);
}

template <class T, class C> void storeRun(char* to, int64_t stride, int64_t n, const C* from) {
  T* p = reinterpret_cast<T*>(to);
  if (stride == 1)
    for (int64_t i = 0; i < n; i++) p[i] = flambeau::to<T>(from[i]);
  else
    for (int64_t i = 0; i < n; i++) p[i * stride] = flambeau::to<T>(from[i]);
}

template <class T> void copyRun(const char* source, int64_t fromStride, char* to, int64_t toStride, int64_t n) {
  const T* p = reinterpret_cast<const T*>(source);
  T* q = reinterpret_cast<T*>(to);
  for (int64_t i = 0; i < n; i++) q[i * toStride] = p[i * fromStride];
}

}  // namespace

template <class C> LoadFn<C> loader(DType t) {
  return dispatch(t, [](auto tag) -> LoadFn<C> { return loadRun<decltype(tag), C>; });
}
template <class C> StoreFn<C> storer(DType t) {
  return dispatch(t, [](auto tag) -> StoreFn<C> { return storeRun<decltype(tag), C>; });
}
template LoadFn<float> loader<float>(DType);
template LoadFn<double> loader<double>(DType);
template LoadFn<int64_t> loader<int64_t>(DType);
template StoreFn<float> storer<float>(DType);
template StoreFn<double> storer<double>(DType);
template StoreFn<int64_t> storer<int64_t>(DType);

void copyStrided(int bytes, const char* from, int64_t fromStride, char* to, int64_t toStride, int64_t n) {
  if (fromStride == 1 && toStride == 1) {
    std::memcpy(to, from, size_t(n * bytes));
    return;
  }
  switch (bytes) {
    case 1: return copyRun<uint8_t>(from, fromStride, to, toStride, n);
    case 2: return copyRun<uint16_t>(from, fromStride, to, toStride, n);
    case 4: return copyRun<uint32_t>(from, fromStride, to, toStride, n);
    default: return copyRun<uint64_t>(from, fromStride, to, toStride, n);
  }
}

}  // namespace flambeau
