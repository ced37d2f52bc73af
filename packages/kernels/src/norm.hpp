// What the normalisations share: moments of runs of elements, added up so that no result depends on the number of threads.
#pragma once
#include <algorithm>
#include <cmath>

#include "reduction.hpp"

namespace flambeau {

// Elements summed in the type of computation before the sum goes on in double.
constexpr int64_t kMomentRun = 4096;

template <class C> FLAMBEAU_INLINE double sumLanes(Vec<C> v) {
  double s = 0;
  for (int i = 0; i < kLanes<C>; i++) s += double(v[i]);
  return s;
}

// Σ x and Σ (x − mean)² of some elements.
struct Moments {
  double count = 0, sum = 0, squares = 0;
  double mean() const { return sum / count; }
  void join(const Moments& other) {
    if (other.count == 0) return;
    if (count > 0) {
      const double d = other.mean() - mean();
      squares += d * d * (count * other.count / (count + other.count));
    }
    count += other.count, sum += other.sum, squares += other.squares;
  }
};

// From a mean that was rounded and Σ d and Σ d² of the deviations from it. An infinite sum stays infinite.
inline Moments momentsFrom(double count, double mean, double rest, double squares) {
  return {count, mean * count + (std::isfinite(mean) ? rest : 0), std::max(squares - rest * rest / count, 0.0)};
}

// Two sums of some elements' contributions.
struct Sums {
  double first = 0, second = 0;
  void join(const Sums& other) { first += other.first, second += other.second; }
};

// The moments of at most kMomentRun elements, which `runs(f)` hands over as f(pointer, n). The deviations' own sum takes
// back what rounding the mean has cost.
template <class C, class Runs> FLAMBEAU_INLINE Moments momentsOf(double count, Runs runs) {
  constexpr int64_t w = kLanes<C>;
  Vec<C> a{}, b{};
  runs([&](const C* p, int64_t n) __attribute__((always_inline)) {
    int64_t j = 0;
    for (; j + 2 * w <= n; j += 2 * w) a += load<C>(p + j), b += load<C>(p + j + w);
    if (j + w <= n) a += load<C>(p + j), j += w;
    if (j < n) b += loadEnd<C>(p + j, n - j, C(0));
  });
  const C mean = C(sumLanes<C>(a + b) / count);
  const Vec<C> m = splat<C>(mean);
  Vec<C> d{}, e{}, d2{}, e2{};
  const auto add = [&](Vec<C> x, Vec<C>& sum, Vec<C>& squares) __attribute__((always_inline)) {
    x -= m, sum += x, squares += x * x;
  };
  runs([&](const C* p, int64_t n) __attribute__((always_inline)) {
    int64_t j = 0;
    for (; j + 2 * w <= n; j += 2 * w) add(load<C>(p + j), d, d2), add(load<C>(p + j + w), e, e2);
    if (j + w <= n) add(load<C>(p + j), d, d2), j += w;
    if (j < n) add(loadEnd<C>(p + j, n - j, mean), e, e2);
  });
  const double rest = sumLanes<C>(d + e);
  return momentsFrom(count, double(mean), rest, sumLanes<C>(d2 + e2));
}

}  // namespace flambeau
