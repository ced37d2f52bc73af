// Fourier transforms of split arrays: real and imaginary parts in an array each, [n][lanes] with neighbouring lanes
// belonging to different transforms, so that every butterfly is one of whole vectors.
#pragma once
#include <algorithm>
#include <cmath>

#include "kernel.hpp"
#include "scratch.hpp"
#include "transpose.hpp"

namespace flambeau {

// e^(-2πik/n) to the last bits of a double, for any k below n: a product of two roots from tables of √n entries.
class Roots {
  struct Root {
    double re, im;
  };
  Scratch memory_;
  Root *low_ = nullptr, *high_ = nullptr;
  int shift_ = 0;

  // By reduction to an eighth of the circle, where sine and cosine are accurate to their last bits.
  static Root exact(int64_t k, int64_t n) {
    const int64_t eighth = 8 * k / n, quarter = (eighth + 1) / 2;
    const double angle = 2 * 3.14159265358979323846 * (double(4 * k - quarter * n) / (4 * double(n)));
    const double c = std::cos(angle), s = std::sin(angle);
    switch (quarter & 3) {
      case 0: return {c, -s};
      case 1: return {-s, -c};
      case 2: return {-c, s};
      default: return {s, c};
    }
  }

 public:
  explicit Roots(int64_t n) {
    while ((int64_t(1) << (2 * shift_)) < n) shift_++;
    const int64_t lows = int64_t(1) << shift_, highs = (n >> shift_) + 1;
    Root* all = memory_.get<Root>(lows + highs);
    if (all == nullptr) return;
    low_ = all;
    high_ = all + lows;
    for (int64_t k = 0; k < lows; k++) low_[k] = exact(k % n, n);
    for (int64_t k = 0; k < highs; k++) high_[k] = exact((k << shift_) % n, n);
  }
  bool ok() const { return low_ != nullptr; }
  template <class T> void write(int64_t k, T* re, T* im) const {
    const Root a = low_[k & ((int64_t(1) << shift_) - 1)], b = high_[k >> shift_];
    *re = T(a.re * b.re - a.im * b.im);
    *im = T(a.re * b.im + a.im * b.re);
  }
};

template <class V> struct Pair {
  V re, im;
};
template <class V> FLAMBEAU_INLINE Pair<V> operator+(Pair<V> a, Pair<V> b) { return {a.re + b.re, a.im + b.im}; }
template <class V> FLAMBEAU_INLINE Pair<V> operator-(Pair<V> a, Pair<V> b) { return {a.re - b.re, a.im - b.im}; }
template <class V> FLAMBEAU_INLINE Pair<V> operator*(Pair<V> a, Pair<V> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class V> FLAMBEAU_INLINE Pair<V> turned(Pair<V> a) { return {a.im, -a.re}; }  // times -i

// The transform of R numbers in place.
template <int R, class T, class V> FLAMBEAU_INLINE void butterfly(Pair<V>* a) {
  if constexpr (R == 2) {
    const Pair<V> b = a[1];
    a[1] = a[0] - b;
    a[0] = a[0] + b;
  } else if constexpr (R == 3) {
    const T half = T(0.5), s = T(0.86602540378443864676);
    const Pair<V> sum = a[1] + a[2], difference = turned(a[1] - a[2]);
    const Pair<V> mid = {a[0].re - sum.re * half, a[0].im - sum.im * half}, side = {difference.re * s, difference.im * s};
    a[0] = a[0] + sum;
    a[1] = mid + side;
    a[2] = mid - side;
  } else if constexpr (R == 4) {
    const Pair<V> even = a[0] + a[2], evenLess = a[0] - a[2], odd = a[1] + a[3], oddLess = turned(a[1] - a[3]);
    a[0] = even + odd;
    a[1] = evenLess + oddLess;
    a[2] = even - odd;
    a[3] = evenLess - oddLess;
  } else if constexpr (R == 8) {
    Pair<V> even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
    butterfly<4, T>(even);
    butterfly<4, T>(odd);
    const T r = T(0.70710678118654752440);
    odd[1] = {(odd[1].re + odd[1].im) * r, (odd[1].im - odd[1].re) * r};
    odd[2] = turned(odd[2]);
    odd[3] = {(odd[3].im - odd[3].re) * r, (odd[3].re + odd[3].im) * -r};
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
      a[k] = even[k] + odd[k];
      a[k + 4] = even[k] - odd[k];
    }
  } else {
    static_assert(R == 5, "a radix without code");
    const T c1 = T(0.30901699437494742410), c2 = T(-0.80901699437494742410);
    const T s1 = T(0.95105651629515357212), s2 = T(0.58778525229247312917);
    const Pair<V> sum1 = a[1] + a[4], sum2 = a[2] + a[3], less1 = turned(a[1] - a[4]), less2 = turned(a[2] - a[3]);
    const Pair<V> mid1 = {a[0].re + sum1.re * c1 + sum2.re * c2, a[0].im + sum1.im * c1 + sum2.im * c2};
    const Pair<V> mid2 = {a[0].re + sum1.re * c2 + sum2.re * c1, a[0].im + sum1.im * c2 + sum2.im * c1};
    const Pair<V> side1 = {less1.re * s1 + less2.re * s2, less1.im * s1 + less2.im * s2};
    const Pair<V> side2 = {less1.re * s2 - less2.re * s1, less1.im * s2 - less2.im * s1};
    a[0] = a[0] + sum1 + sum2;
    a[1] = mid1 + side1;
    a[4] = mid1 - side1;
    a[2] = mid2 + side2;
    a[3] = mid2 - side2;
  }
}

constexpr int kLargestRadix = 61;

// One step of a transform, Stockham's: x[j * m + p] for j < radix makes y[p * radix + k], times root^(p k).
template <class T> struct Stage {
  int radix;
  int64_t m;
  const T* roots;   // [m][radix - 1] pairs
  const T* circle;  // for a radix without code: its roots of one, as pairs
};

template <class T> struct Split {
  T *re, *im;
};

template <int R, class T, class V>
FLAMBEAU_INLINE void butterflyAt(const T* xr, const T* xi, int64_t step, T* yr, T* yi, int64_t s, const Pair<V>* w) {
  Pair<V> a[R];
#pragma GCC unroll 8
  for (int j = 0; j < R; j++) {
    std::memcpy(&a[j].re, xr + j * step, sizeof(V));
    std::memcpy(&a[j].im, xi + j * step, sizeof(V));
  }
  butterfly<R, T>(a);
#pragma GCC unroll 8
  for (int k = 0; k < R; k++) {
    const Pair<V> out = k > 0 && w != nullptr ? a[k] * w[k - 1] : a[k];
    std::memcpy(yr + k * s, &out.re, sizeof(V));
    std::memcpy(yi + k * s, &out.im, sizeof(V));
  }
}

template <int R, bool Last, class T> void runStage(const Stage<T>& stage, int64_t s, Split<T> x, Split<T> y) {
  const int64_t step = s * stage.m;
  for (int64_t p = 0; p < stage.m; p++) {
    const T* w = stage.roots + p * 2 * (R - 1);
    Pair<Vec<T>> wide[R - 1];
    Pair<T> narrow[R - 1];
    for (int k = 0; k < R - 1; k++) {
      narrow[k] = {w[2 * k], w[2 * k + 1]};
      wide[k] = {splat<T>(w[2 * k]), splat<T>(w[2 * k + 1])};
    }
    const T *xr = x.re + p * s, *xi = x.im + p * s;
    T *yr = y.re + p * R * s, *yi = y.im + p * R * s;
    int64_t q = 0;
    for (; q + kLanes<T> <= s; q += kLanes<T>)
      butterflyAt<R, T, Vec<T>>(xr + q, xi + q, step, yr + q, yi + q, s, Last ? nullptr : wide);
    for (; q < s; q++) butterflyAt<R, T, T>(xr + q, xi + q, step, yr + q, yi + q, s, Last ? nullptr : narrow);
  }
}

// Any odd radix, by its definition; the numbers at j and R - j go together.
template <class T, class V>
FLAMBEAU_INLINE void oddAt(int R, const T* circle, const T* xr, const T* xi, int64_t step, T* yr, T* yi, int64_t s, const T* w) {
  Pair<V> sum[kLargestRadix / 2], less[kLargestRadix / 2], first;
  const int half = R / 2;
  std::memcpy(&first.re, xr, sizeof(V));
  std::memcpy(&first.im, xi, sizeof(V));
  Pair<V> total = first;
  for (int j = 0; j < half; j++) {
    Pair<V> a, b;
    std::memcpy(&a.re, xr + (j + 1) * step, sizeof(V));
    std::memcpy(&a.im, xi + (j + 1) * step, sizeof(V));
    std::memcpy(&b.re, xr + (R - j - 1) * step, sizeof(V));
    std::memcpy(&b.im, xi + (R - j - 1) * step, sizeof(V));
    sum[j] = a + b;
    less[j] = turned(a - b);
    total = total + sum[j];
  }
  const auto put = [&](int k, Pair<V> v) {
    if (k > 0) {
      const T re = w[2 * k - 2], im = w[2 * k - 1];
      v = {v.re * re - v.im * im, v.re * im + v.im * re};
    }
    std::memcpy(yr + k * s, &v.re, sizeof(V));
    std::memcpy(yi + k * s, &v.im, sizeof(V));
  };
  put(0, total);
  for (int k = 1; k <= half; k++) {
    Pair<V> mid = first, side = {V{}, V{}};
    for (int j = 0, at = k; j < half; j++, at = (at + k) % R) {
      const T c = circle[2 * at], s1 = -circle[2 * at + 1];
      mid = {mid.re + sum[j].re * c, mid.im + sum[j].im * c};
      side = {side.re + less[j].re * s1, side.im + less[j].im * s1};
    }
    put(k, mid + side);
    put(R - k, mid - side);
  }
}
template <class T> void runOddStage(const Stage<T>& stage, int64_t s, Split<T> x, Split<T> y) {
  const int R = stage.radix;
  const int64_t step = s * stage.m;
  for (int64_t p = 0; p < stage.m; p++) {
    const T* w = stage.roots + p * 2 * (R - 1);
    const T *xr = x.re + p * s, *xi = x.im + p * s;
    T *yr = y.re + p * R * s, *yi = y.im + p * R * s;
    int64_t q = 0;
    for (; q + kLanes<T> <= s; q += kLanes<T>)
      oddAt<T, Vec<T>>(R, stage.circle, xr + q, xi + q, step, yr + q, yi + q, s, w);
    for (; q < s; q++) oddAt<T, T>(R, stage.circle, xr + q, xi + q, step, yr + q, yi + q, s, w);
  }
}

// How n numbers are transformed: in stages, or, where n has a large prime factor, as a convolution with a chirp (Bluestein).
template <class T> class LanePlan {
  Stage<T> stages_[64];
  int count_ = 0;
  Scratch memory_;
  LanePlan* inner_ = nullptr;
  T *chirp_ = nullptr, *filter_ = nullptr;  // pairs
  bool ok_ = false;

  void planStages() {
    int64_t rest = n, total = 0;
    const auto take = [&](int radix) {
      while (rest % radix == 0) {
        rest /= radix;
        stages_[count_++] = {radix, rest, nullptr, nullptr};
        total += 2 * rest * (radix - 1) + (radix > 5 && radix != 8 ? 2 * radix : 0);
      }
    };
    // Eights, but not so many that a two is left for a pass of its own.
    while (rest % 8 == 0 && rest != 16) {
      rest /= 8;
      stages_[count_++] = {8, rest, nullptr, nullptr};
      total += 2 * rest * 7;
    }
    for (const int radix : {4, 2, 3, 5}) take(radix);
    for (int radix = 7; radix <= kLargestRadix && rest > 1; radix += 2) take(radix);
    T* at = memory_.template get<T>(total + 1);
    const Roots roots(n);
    if (at == nullptr || !roots.ok()) return;
    for (int i = 0; i < count_; i++) {
      Stage<T>& stage = stages_[i];
      const int64_t period = n / (stage.m * stage.radix);  // of the roots of this stage among those of n
      stage.roots = at;
      for (int64_t p = 0; p < stage.m; p++)
        for (int k = 1; k < stage.radix; k++, at += 2) roots.write(p * k * period, at, at + 1);
      if (stage.radix > 5 && stage.radix != 8) {
        stage.circle = at;
        for (int k = 0; k < stage.radix; k++, at += 2) roots.write(k * (n / stage.radix), at, at + 1);
      }
    }
    ok_ = true;
  }

  void planChirp() {
    int64_t m = 1;
    while (m < 2 * n - 1) m *= 2;
    // Three quarters, or five eighths, of a power of two may do.
    if (m >= 8 && m / 8 * 5 >= 2 * n - 1) m = m / 8 * 5;
    else if (m >= 4 && m / 4 * 3 >= 2 * n - 1) m = m / 4 * 3;
    inner_ = new LanePlan(m);
    T* at = memory_.template get<T>(2 * n + 2 * m);
    const Roots roots(2 * n);
    Scratch work;
    T* temporary = work.get<T>(4 * m);
    if (!inner_->ok() || at == nullptr || temporary == nullptr || !roots.ok()) return;
    chirp_ = at;
    filter_ = at + 2 * n;
    // e^(-πik²/n), with k² kept below 2n.
    for (int64_t k = 0, square = 0; k < n; k++) {
      roots.write(square, chirp_ + 2 * k, chirp_ + 2 * k + 1);
      square = (square + 2 * k + 1) % (2 * n);
    }
    Split<T> x = {temporary, temporary + m}, y = {temporary + 2 * m, temporary + 3 * m};
    std::fill(temporary, temporary + 2 * m, T(0));
    for (int64_t k = 0; k < n; k++) {
      x.re[k] = chirp_[2 * k];
      x.im[k] = -chirp_[2 * k + 1];
      if (k > 0) {
        x.re[m - k] = x.re[k];
        x.im[m - k] = x.im[k];
      }
    }
    inner_->run(1, x, y);
    for (int64_t k = 0; k < m; k++) {
      filter_[2 * k] = x.re[k] / T(m);
      filter_[2 * k + 1] = x.im[k] / T(m);
    }
    ok_ = true;
  }

  // z *= w for `count` elements of all lanes; `swapped` exchanges the parts, which turns a transform into its inverse.
  static void multiply(int64_t count, int64_t lanes, Split<T> z, const T* w, bool swapped) {
    for (int64_t k = 0; k < count; k++) {
      const T c = w[2 * k], s = w[2 * k + 1];
      T *re = z.re + k * lanes, *im = z.im + k * lanes;
      for (int64_t q = 0; q < lanes; q++) {
        const T a = re[q] * c - im[q] * s, b = re[q] * s + im[q] * c;
        re[q] = swapped ? b : a;
        im[q] = swapped ? a : b;
      }
    }
  }

 public:
  const int64_t n;

  explicit LanePlan(int64_t size) : n(size) {
    int64_t rest = n;
    for (int64_t p = 2; p <= kLargestRadix; p++)
      while (rest % p == 0) rest /= p;
    if (rest > 1) planChirp();
    else planStages();
  }
  ~LanePlan() { delete inner_; }
  LanePlan(const LanePlan&) = delete;
  LanePlan& operator=(const LanePlan&) = delete;

  bool ok() const { return ok_; }
  // How many elements a lane of the arrays must hold.
  int64_t room() const { return inner_ ? inner_->n : n; }
  bool staged() const { return inner_ == nullptr; }

  // Transforms x, with y as a second place; the result is in x, which may have been exchanged with y.
  void run(int64_t lanes, Split<T>& x, Split<T>& y) const {
    if (inner_ != nullptr) return convolve(lanes, x, y);
    int64_t s = lanes;
    for (int i = 0; i < count_; i++) {
      const Stage<T>& stage = stages_[i];
      const bool last = stage.m == 1;
      const auto go = [&](auto radix) {
        constexpr int R = decltype(radix)::value;
        if (last) runStage<R, true>(stage, s, x, y);
        else runStage<R, false>(stage, s, x, y);
      };
      switch (stage.radix) {
        case 2: go(std::integral_constant<int, 2>{}); break;
        case 3: go(std::integral_constant<int, 3>{}); break;
        case 4: go(std::integral_constant<int, 4>{}); break;
        case 5: go(std::integral_constant<int, 5>{}); break;
        case 8: go(std::integral_constant<int, 8>{}); break;
        default: runOddStage(stage, s, x, y);
      }
      s *= stage.radix;
      std::swap(x, y);
    }
  }

 private:
  void convolve(int64_t lanes, Split<T>& x, Split<T>& y) const {
    const int64_t m = inner_->n;
    multiply(n, lanes, x, chirp_, false);
    std::fill(x.re + n * lanes, x.re + m * lanes, T(0));
    std::fill(x.im + n * lanes, x.im + m * lanes, T(0));
    inner_->run(lanes, x, y);
    multiply(m, lanes, x, filter_, true);
    inner_->run(lanes, x, y);
    std::swap(x.re, x.im);
    multiply(n, lanes, x, chirp_, false);
  }
};

}  // namespace flambeau
