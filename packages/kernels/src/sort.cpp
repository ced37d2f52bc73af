#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "strided.hpp"

namespace flambeau {
namespace {

// Keys order as unsigned integers the way values do: -0 equals 0, and every NaN is one key above all numbers.
template <class U> FLAMBEAU_INLINE U floatKey(U bits, U infinity) {
  constexpr U sign = U(1) << (sizeof(U) * 8 - 1);
  const U magnitude = bits & U(~sign);
  if (magnitude > infinity) return U(~U(0));
  return U(magnitude && (bits & sign) ? U(~bits) : U(magnitude | sign));
}
inline uint32_t keyOf(float x) { return floatKey<uint32_t>(floatToBits(x), 0x7f800000u); }
inline uint32_t keyOf(Half x) { return floatKey<uint16_t>(x.bits, 0x7c00u); }
inline uint32_t keyOf(BFloat16 x) { return floatKey<uint16_t>(x.bits, 0x7f80u); }
inline uint32_t keyOf(int8_t x) { return uint8_t(x) ^ 0x80u; }
inline uint32_t keyOf(int16_t x) { return uint16_t(x) ^ 0x8000u; }
inline uint32_t keyOf(int32_t x) { return uint32_t(x) ^ 0x80000000u; }
inline uint32_t keyOf(uint8_t x) { return x; }
inline uint32_t keyOf(Bool x) { return x.value != 0; }
inline uint64_t keyOf(int64_t x) { return uint64_t(x) ^ 0x8000000000000000u; }
inline uint64_t keyOf(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, 8);
  return floatKey<uint64_t>(bits, 0x7ff0000000000000u);
}

// An element to be ordered. Where key and position share one word, comparing the words is a stable comparison.
struct Packed {
  uint64_t word;
  static Packed of(uint64_t key, int64_t i) { return {key << 32 | uint64_t(i)}; }
  uint64_t key() const { return word >> 32; }
  int64_t index() const { return int64_t(word & 0xffffffffu); }
  bool operator<(const Packed& o) const { return word < o.word; }
};
struct Wide {
  uint64_t bits;
  int64_t position;
  static Wide of(uint64_t key, int64_t i) { return {key, i}; }
  uint64_t key() const { return bits; }
  int64_t index() const { return position; }
  bool operator<(const Wide& o) const { return bits < o.bits || (bits == o.bits && position < o.position); }
};

// Least significant digit first; digits that all elements share are skipped. Returns where the sorted elements are.
template <class E> E* radixSort(E* a, E* b, int64_t n, int keyBits) {
  constexpr int kDigit = 11, kBuckets = 1 << kDigit;
  for (int shift = 0; shift < keyBits; shift += kDigit) {
    int64_t counts[kBuckets] = {};
    const auto digit = [&](const E& e) { return int(e.key() >> shift & (kBuckets - 1)); };
    for (int64_t i = 0; i < n; i++) counts[digit(a[i])]++;
    if (counts[digit(a[0])] == n) continue;
    int64_t total = 0;
    for (int64_t& c : counts) {
      const int64_t count = c;
      c = total;
      total += count;
    }
    for (int64_t i = 0; i < n; i++) b[counts[digit(a[i])]++] = a[i];
    std::swap(a, b);
  }
  return a;
}

struct Order {
  const TensorArg &x, &values, &indices;
  int dim;
  int64_t k;  // how many of each line are wanted
  bool descending, sorted;
};

template <class T, class E> int orderLines(const Order& o) {
  const TensorArg& x = o.x;
  Nest nest;
  for (int d = 0; d < x.ndim; d++)
    if (d != o.dim) nest.push(x.sizes[d], x.strides[d], o.values ? o.values.strides[d] : 0, o.indices.strides[d]);
  nest.merge();
  const int64_t n = x.ndim ? x.sizes[o.dim] : 1, lines = nest.numel(), k = o.k;
  const int64_t xs = x.ndim ? x.strides[o.dim] : 1, is = x.ndim ? o.indices.strides[o.dim] : 1;
  const int64_t vs = x.ndim && o.values ? o.values.strides[o.dim] : 1;
  if (n == 0 || lines == 0 || k == 0) return kOk;
  constexpr int keyBits = int(sizeof(T)) * 8;
  constexpr uint64_t keyMask = ~uint64_t(0) >> (64 - sizeof(keyOf(T{})) * 8);
  const bool radix = n >= 512 && k == n;
  std::atomic<bool> failed{false};
  parallelFor(lines, 4096 / n, [&](int64_t begin, int64_t end) {
    E* elements = static_cast<E*>(std::malloc(size_t(radix ? 2 * n : n) * sizeof(E)));
    if (!elements) return failed.store(true);
    for (Walk<3> line(nest, begin); begin < end; begin++, line.advance(1)) {
      const T* p = x.as<T>() + line.offsets[0];
      constexpr uint64_t used = keyBits >= 64 ? keyMask : (uint64_t(1) << keyBits) - 1;
      for (int64_t i = 0; i < n; i++) {
        const uint64_t key = keyOf(p[i * xs]);
        elements[i] = E::of(o.descending ? ~key & used : key, i);
      }
      const E* first = elements;
      if (radix) {
        first = radixSort(elements, elements + n, n, keyBits);
      } else {
        if (k < n) std::nth_element(elements, elements + (k - 1), elements + n);
        if (o.sorted) std::sort(elements, elements + k);
      }
      for (int64_t i = 0; i < k; i++) {
        const int64_t at = first[i].index();
        o.indices.as<int64_t>()[line.offsets[2] + i * is] = at;
        if (o.values) o.values.as<T>()[line.offsets[1] + i * vs] = p[at * xs];
      }
    }
    std::free(elements);
  });
  return failed.load() ? kOutOfMemory : kOk;
}

int order(const Order& o) {
  if (o.indices.dtype != DType::i64 || (o.values && o.values.dtype != o.x.dtype)) return kUnsupported;
  const int64_t n = o.x.ndim ? o.x.sizes[o.dim] : 1;
  return dispatch(o.x.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    if constexpr (sizeof(T) < 8)
      if (n <= int64_t(0xffffffff)) return orderLines<T, Packed>(o);
    return orderLines<T, Wide>(o);
  });
}

}  // namespace

// sort(x, values?, indices, dim, descending): stable; NaN is the greatest value. values may not share memory with x.
KERNEL(sort) {
  const TensorArg x = args.tensor(), values = args.tensor(), indices = args.tensor();
  const int dim = args.i32();
  const bool descending = args.flag();
  return order({x, values, indices, dim, x.ndim ? x.sizes[dim] : 1, descending, true});
}

// topk(x, values?, indices, dim, k, largest, sorted): the k extreme elements along dim; of equals, the first.
KERNEL(topk) {
  const TensorArg x = args.tensor(), values = args.tensor(), indices = args.tensor();
  const int dim = args.i32();
  const int64_t k = args.i64();
  const bool largest = args.flag(), sorted = args.flag();
  return order({x, values, indices, dim, k, largest, sorted});
}

}  // namespace flambeau
