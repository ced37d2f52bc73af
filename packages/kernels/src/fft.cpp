// Discrete Fourier transforms along one dimension. Transforms whose elements lie side by side go through the butterflies
// together, one per vector lane; a single row long enough is cut into a matrix, whose columns are transformed so.
#include "fft.hpp"

#include <atomic>

#include "strided.hpp"

namespace flambeau {
namespace {

// A transform of a row of n = n1 n2 numbers as a matrix [n1][n2]: columns, roots, transposition, columns again.
template <class T> class RowPlan {
  Scratch memory_;
  LanePlan<T> first_, second_;
  Split<T> roots_{nullptr, nullptr};  // [n1][n2]

  static constexpr int64_t kL = kLanes<T>;
  // Columns of a large matrix are copied out, a vector of them at a time, so that each pass stays in a fast cache.
  static constexpr int64_t kLarge = 8192;

  // y = (x times roots) transposed, for x [rows][kL] with a pitch, and y with the pitch of its rows.
  void turn(int64_t column, Split<T> x, int64_t pitch, Split<T> y, int64_t rows) const {
    T re[kL * kL], im[kL * kL];
    for (int64_t k = 0; k < rows; k += kL) {
      for (int64_t i = 0; i < kL; i++) {
        const int64_t at = (k + i) * second_.n + column;
        const Pair<Vec<T>> z = Pair<Vec<T>>{load(x.re + (k + i) * pitch), load(x.im + (k + i) * pitch)} *
                               Pair<Vec<T>>{load(roots_.re + at), load(roots_.im + at)};
        store(re + i * kL, z.re);
        store(im + i * kL, z.im);
      }
      transposeBlock(re, kL, y.re + k, rows, kL);
      transposeBlock(im, kL, y.im + k, rows, kL);
    }
  }

 public:
  // The number of rows of the matrix, or 0 where n cannot be cut so that its columns fill vectors.
  static int64_t rowsFor(int64_t n) {
    if (n % (kL * kL) != 0) return 0;
    int64_t best = 0;
    for (int64_t rows = kL; rows * rows <= n; rows += kL)
      if (n % rows == 0 && n / rows % kL == 0) best = rows;
    return best;
  }

  RowPlan(int64_t n, int64_t rows) : first_(rows), second_(n / rows) {
    const Roots roots(n);
    T* at = memory_.template get<T>(2 * n);
    if (at == nullptr || !roots.ok()) return;
    roots_ = {at, at + n};
    for (int64_t k = 0; k < rows; k++)
      for (int64_t j = 0; j < second_.n; j++, at++) roots.write(k * j, at, at + n);
  }
  bool ok() const { return roots_.re != nullptr && first_.ok() && second_.ok(); }
  bool staged() const { return first_.staged() && second_.staged(); }
  int64_t size() const { return first_.n * second_.n; }

  // Transforms x, with y as a second place; answers with false where memory is short.
  bool run(Split<T>& x, Split<T>& y) const {
    const int64_t n1 = first_.n, n2 = second_.n;
    if (n1 * n2 < kLarge) {
      first_.run(n2, x, y);
      for (int64_t j = 0; j < n2; j += kL) turn(j, {x.re + j, x.im + j}, n2, {y.re + j * n1, y.im + j * n1}, n1);
      std::swap(x, y);
      second_.run(n1, x, y);
      return true;
    }
    std::atomic<bool> ok{true};
    const auto columns = [&](const LanePlan<T>& plan, int64_t others, Split<T> from, auto&& finish) {
      parallelFor(others / kL, 1, [&](int64_t begin, int64_t end) {
        FLAMBEAU_PER_THREAD Scratch scratch;
        const int64_t room = plan.n * kL;
        T* block = scratch.get<T>(4 * room);
        if (block == nullptr) return void(ok = false);
        for (int64_t j = begin * kL; j < end * kL; j += kL) {
          Split<T> a = {block, block + room}, b = {block + 2 * room, block + 3 * room};
          for (int64_t i = 0; i < plan.n; i++) {
            store(a.re + i * kL, load(from.re + i * others + j));
            store(a.im + i * kL, load(from.im + i * others + j));
          }
          plan.run(kL, a, b);
          finish(j, a);
        }
      });
    };
    columns(first_, n2, x, [&](int64_t j, Split<T> a) { turn(j, a, kL, {y.re + j * n1, y.im + j * n1}, n1); });
    columns(second_, n1, y, [&](int64_t k, Split<T> a) {
      for (int64_t i = 0; i < n2; i++) {
        store(x.re + i * n1 + k, load(a.re + i * kL));
        store(x.im + i * n1 + k, load(a.im + i * kL));
      }
    });
    return ok;
  }
};

// What is known of a length: how numbers are transformed, and the roots that join the halves of real ones.
template <class T> struct Plan {
  int64_t n;
  bool byRow, halved;
  LanePlan<T>* lanes = nullptr;
  RowPlan<T>* row = nullptr;
  Scratch memory;
  Split<T> roots{nullptr, nullptr};
  bool ok;

  Plan(int64_t size, bool rowWise, bool halves) : n(size), byRow(rowWise), halved(halves) {
    const int64_t rows = byRow ? RowPlan<T>::rowsFor(n) : 0;
    if (rows > 0) row = new RowPlan<T>(n, rows);
    else lanes = new LanePlan<T>(n);
    ok = rows > 0 ? row->ok() : lanes->ok();
    if (!halved || !ok) return;
    const Roots all(2 * n);
    T* at = memory.get<T>(2 * (n + 1));
    ok = at != nullptr && all.ok();
    if (!ok) return;
    roots = {at, at + n + 1};
    for (int64_t k = 0; k <= n; k++) all.write(k, roots.re + k, roots.im + k);
  }
  ~Plan() {
    delete lanes;
    delete row;
  }
  int64_t room() const { return row ? n : lanes->room(); }
  bool run(int64_t width, Split<T>& x, Split<T>& y) const {
    if (row) return row->run(x, y);
    lanes->run(width, x, y);
    return true;
  }
};

// The plans used last, but for lengths that take more time than a plan.
template <class T> class Plans {
  static constexpr int kCount = 16;
  static constexpr int64_t kLongest = 65536;
  Plan<T>* known_[kCount] = {};
  int next_ = 0;

 public:
  ~Plans() {
    for (Plan<T>* plan : known_) delete plan;
  }
  const Plan<T>& get(int64_t n, bool byRow, bool halved) {
    for (const Plan<T>* plan : known_)
      if (plan && plan->n == n && plan->byRow == byRow && plan->halved == halved && plan->ok) return *plan;
    // A long one stays until the next plan takes its place.
    Plan<T>*& slot = known_[next_];
    if (n <= kLongest) next_ = (next_ + 1) % kCount;
    delete slot;
    slot = new Plan<T>(n, byRow, halved);
    return *slot;
  }
};

// How a transform's elements lie in memory: `count` of them, with steps in numbers.
struct Side {
  int64_t count, step, imaginary;
  bool isReal;
  // Parts in turn, without gaps.
  bool dense() const { return step == 2 && imaginary == 1; }
};

// Where the lanes of a group begin, and the step between them if there is one.
template <class T> struct Lanes {
  static constexpr int64_t kMost = 64;
  T* at[kMost];
  int64_t width, used;
  int64_t step() const {
    if (used < width || used < 2) return 0;
    const int64_t step = at[1] - at[0];
    for (int64_t q = 2; q < used; q++)
      if (at[q] - at[q - 1] != step) return 0;
    return step;
  }
};

template <class T> void loadLanes(const Side& side, const Lanes<const T>& from, Split<T> z) {
  constexpr int64_t kL = kLanes<T>;
  const int64_t width = from.width, step = from.step();
  if (width == 1) {
    const T* p = from.at[0];
    if (side.dense())
      for (int64_t j = 0; j < side.count; j++) {
        z.re[j] = p[2 * j];
        z.im[j] = p[2 * j + 1];
      }
    else
      for (int64_t j = 0; j < side.count; j++) {
        z.re[j] = p[j * side.step];
        z.im[j] = side.isReal ? T(0) : p[j * side.step + side.imaginary];
      }
    return;
  }
  if ((step == 1 || step == 2) && !side.isReal) {
    for (int64_t j = 0; j < side.count; j++) {
      const T* p = from.at[0] + j * side.step;
      T *re = z.re + j * width, *im = z.im + j * width;
      if (step == 2 && side.imaginary == 1)
        for (int64_t q = 0; q < width; q++) {
          re[q] = p[2 * q];
          im[q] = p[2 * q + 1];
        }
      else
        for (int64_t q = 0; q < width; q++) {
          re[q] = p[step * q];
          im[q] = p[step * q + side.imaginary];
        }
    }
    return;
  }
  int64_t done = 0;
  if (step != 0 && side.dense() && width % kL == 0) {
    T block[kL * kL];
    for (; done + kL / 2 <= side.count; done += kL / 2)
      for (int64_t q = 0; q < width; q += kL) {
        transposeBlock(from.at[q] + 2 * done, step, block, kL, kL);
        for (int64_t i = 0; i < kL / 2; i++) {
          store(z.re + (done + i) * width + q, load(block + 2 * i * kL));
          store(z.im + (done + i) * width + q, load(block + (2 * i + 1) * kL));
        }
      }
  }
  for (int64_t j = done; j < side.count; j++)
    for (int64_t q = 0; q < width; q++) {
      const T* p = from.at[q] + j * side.step;
      z.re[j * width + q] = p[0];
      z.im[j * width + q] = side.isReal ? T(0) : p[side.imaginary];
    }
}

template <class T> void storeLanes(const Side& side, Split<T> z, T scale, const Lanes<T>& to) {
  constexpr int64_t kL = kLanes<T>;
  const int64_t width = to.width, step = to.step();
  if (width == 1 && side.dense()) {
    T* p = to.at[0];
    for (int64_t j = 0; j < side.count; j++) {
      p[2 * j] = z.re[j] * scale;
      p[2 * j + 1] = z.im[j] * scale;
    }
    return;
  }
  if (step == 2 && side.imaginary == 1) {
    for (int64_t j = 0; j < side.count; j++) {
      T* p = to.at[0] + j * side.step;
      const T *re = z.re + j * width, *im = z.im + j * width;
      for (int64_t q = 0; q < width; q++) {
        p[2 * q] = re[q] * scale;
        p[2 * q + 1] = im[q] * scale;
      }
    }
    return;
  }
  int64_t done = 0;
  if (step != 0 && side.dense() && width % kL == 0) {
    T block[kL * kL];
    const Vec<T> by = splat<T>(scale);
    for (; done + kL / 2 <= side.count; done += kL / 2)
      for (int64_t q = 0; q < width; q += kL) {
        for (int64_t i = 0; i < kL / 2; i++) {
          store(block + 2 * i * kL, load(z.re + (done + i) * width + q) * by);
          store(block + (2 * i + 1) * kL, load(z.im + (done + i) * width + q) * by);
        }
        transposeBlock(block, kL, to.at[q] + 2 * done, step, kL);
      }
  }
  for (int64_t j = done; j < side.count; j++)
    for (int64_t q = 0; q < to.used; q++) {
      T* p = to.at[q] + j * side.step;
      p[0] = z.re[j * width + q] * scale;
      if (!side.isReal) p[side.imaginary] = z.im[j * width + q] * scale;
    }
}

// A vector in another order of its lanes: the same, or the last first.
template <bool Reverse, class T, size_t... I> FLAMBEAU_INLINE Vec<T> ordered(Vec<T> v, std::index_sequence<I...>) {
  if constexpr (Reverse) return __builtin_shufflevector(v, v, int(sizeof...(I) - 1 - I)...);
  else return v;
}
template <bool Reverse, class V, class T> FLAMBEAU_INLINE V loadOrdered(const T* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (sizeof(V) > sizeof(T)) v = ordered<Reverse, T>(v, std::make_index_sequence<kLanes<T>>{});
  return v;
}
template <bool Reverse, class V, class T> FLAMBEAU_INLINE void storeOrdered(T* p, V v) {
  if constexpr (sizeof(V) > sizeof(T)) v = ordered<Reverse, T>(v, std::make_index_sequence<kLanes<T>>{});
  std::memcpy(p, &v, sizeof v);
}

// The spectrum of 2h real numbers, h + 1 of it, from z, that of h complex ones made of neighbours: out[k] and out[h - k].
template <bool Reverse, class V, class T>
FLAMBEAU_INLINE void joinAt(Split<T> z, Split<T> out, int64_t low, int64_t high, Pair<V> root) {
  const T half = T(0.5);
  const Pair<V> a = {loadOrdered<false, V>(z.re + low), loadOrdered<false, V>(z.im + low)};
  const Pair<V> b = {loadOrdered<Reverse, V>(z.re + high), -loadOrdered<Reverse, V>(z.im + high)};
  const Pair<V> even = a + b, odd = turned(a - b) * root;
  const Pair<V> left = even + odd, right = even - odd;
  storeOrdered<false>(out.re + low, V(left.re * half));
  storeOrdered<false>(out.im + low, V(left.im * half));
  storeOrdered<Reverse>(out.re + high, V(right.re * half));
  storeOrdered<Reverse>(out.im + high, V(right.im * -half));
}
// The other way: from the spectrum x of 2h real numbers to z, h complex numbers whose inverse has them as its parts.
template <bool Reverse, class V, class T>
FLAMBEAU_INLINE void partAt(Split<T> x, Split<T> z, int64_t low, int64_t high, Pair<V> root) {
  const Pair<V> a = {loadOrdered<false, V>(x.re + low), loadOrdered<false, V>(x.im + low)};
  const Pair<V> b = {loadOrdered<Reverse, V>(x.re + high), -loadOrdered<Reverse, V>(x.im + high)};
  const Pair<V> even = a + b, odd = (a - b) * Pair<V>{root.re, -root.im};
  storeOrdered<false>(z.re + low, V(even.re - odd.im));
  storeOrdered<false>(z.im + low, V(even.im + odd.re));
  storeOrdered<Reverse>(z.re + high, V(even.re + odd.im));
  storeOrdered<Reverse>(z.im + high, V(odd.re - even.im));
}

// Either for all k and h - k but the first, over all lanes.
template <bool Join, class T> void halves(int64_t h, int64_t width, Split<T> in, Split<T> roots, Split<T> out) {
  constexpr int64_t kL = kLanes<T>;
  const auto at = [&](auto reverse, auto v, int64_t low, int64_t high, auto root) {
    constexpr bool Reverse = decltype(reverse)::value;
    using V = decltype(v);
    if constexpr (Join) joinAt<Reverse, V>(in, out, low, high, root);
    else partAt<Reverse, V>(in, out, low, high, root);
  };
  int64_t k = 1;
  if (width == 1)
    for (; k + kL - 1 < h - k - kL + 1; k += kL)
      at(std::true_type{}, Vec<T>{}, k, h - k - kL + 1, Pair<Vec<T>>{load(roots.re + k), load(roots.im + k)});
  for (; 2 * k <= h; k++) {
    const Pair<T> root = {roots.re[k], roots.im[k]};
    const Pair<Vec<T>> wide = {splat<T>(root.re), splat<T>(root.im)};
    int64_t q = 0;
    for (; q + kL <= width; q += kL) at(std::false_type{}, Vec<T>{}, k * width + q, (h - k) * width + q, wide);
    for (; q < width; q++) at(std::false_type{}, T(0), k * width + q, (h - k) * width + q, root);
  }
}
template <class T> void joinHalves(int64_t h, int64_t width, Split<T> z, Split<T> roots, Split<T> out) {
  for (int64_t q = 0; q < width; q++) {
    // Real for sure.
    out.re[q] = z.re[q] + z.im[q];
    out.re[h * width + q] = z.re[q] - z.im[q];
    out.im[q] = out.im[h * width + q] = T(0);
  }
  halves<true>(h, width, z, roots, out);
}
template <class T> void partHalves(int64_t h, int64_t width, Split<T> x, Split<T> roots, Split<T> z) {
  for (int64_t q = 0; q < width; q++) {
    // The imaginary parts of the first and the last are not looked at.
    z.re[q] = x.re[q] + x.re[h * width + q];
    z.im[q] = x.re[q] - x.re[h * width + q];
  }
  halves<false>(h, width, x, roots, z);
}

enum Kind { kForward, kBackward, kToComplex, kToReal };

template <class T> int transform(const TensorArg& x, const TensorArg& out, int dim, int64_t n, Kind kind, T scale) {
  constexpr int64_t kL = kLanes<T>;
  const bool real = kind == kToComplex || kind == kToReal, halved = real && n % 2 == 0;
  const int64_t length = halved ? n / 2 : n;
  const auto sideOf = [&](const TensorArg& t, bool isReal) -> Side {
    const int64_t step = t.strides[dim];
    if (!isReal) return {t.sizes[dim], step, t.strides[t.ndim - 1], false};
    return halved ? Side{length, 2 * step, step, false} : Side{length, step, 0, true};
  };
  const Side from = sideOf(x, kind == kToComplex), to = sideOf(out, kind == kToReal);
  const int dims = x.ndim - (kind == kToComplex ? 0 : 1);
  Nest nest;
  for (int d = 0; d < dims; d++)
    if (d != dim) nest.push(x.sizes[d], x.strides[d], out.strides[d]);
  nest.sort();
  nest.merge();
  const int64_t count = nest.numel();
  if (count == 0) return kOk;

  // Neighbouring transforms side by side, or one row after the other.
  const bool across = nest.count > 0 && Nest::rank(nest.loops[nest.count - 1]) < uint64_t(from.step) - 1;
  const bool few = count < std::max(int64_t(2), kL / 4);
  const bool byRow = (!across || few) && RowPlan<T>::rowsFor(length) > 0;
  FLAMBEAU_PER_THREAD Plans<T> plans;
  const Plan<T>& plan = plans.get(length, byRow, halved);
  if (!plan.ok) return kOutOfMemory;
  int64_t width = byRow || few ? 1 : kL;
  while (width > 1 && width < Lanes<T>::kMost && width < count && plan.room() * width < 1024) width *= 2;

  const int64_t room = (std::max({plan.room(), length + 1, to.count}) * width + kL) / kL * kL;
  const int64_t groups = (count + width - 1) / width;
  std::atomic<bool> ok{true};
  parallelFor(groups, std::max(int64_t(1), 16384 / (plan.room() * width)), [&](int64_t begin, int64_t end) {
    FLAMBEAU_PER_THREAD Scratch scratch;
    T* block = scratch.get<T>(4 * room);
    if (block == nullptr) return void(ok = false);
    Walk<2> at(nest, begin * width);
    for (int64_t group = begin; group < end; group++) {
      Lanes<const T> in;
      Lanes<T> result;
      in.width = result.width = width;
      in.used = result.used = std::min(width, count - group * width);
      for (int64_t q = 0; q < width; q++) {
        in.at[q] = q < in.used ? x.as<const T>() + at.offsets[0] : in.at[0];
        result.at[q] = q < in.used ? out.as<T>() + at.offsets[1] : result.at[0];
        if (q < in.used) at.advance(1);
      }
      Split<T> a = {block, block + room}, b = {block + 2 * room, block + 3 * room};
      // An inverse is a transform of what has its parts exchanged, exchanged again.
      if (kind == kBackward) std::swap(a.re, a.im);
      loadLanes(from, in, a);
      if (kind == kBackward) std::swap(a.re, a.im);
      if (kind == kToReal) {
        if (halved) {
          partHalves(length, width, a, plan.roots, b);
          std::swap(a, b);
        } else {
          std::fill(a.im, a.im + width, T(0));
          for (int64_t k = 1; 2 * k < n; k++)
            for (int64_t q = 0; q < width; q++) {
              a.re[(n - k) * width + q] = a.re[k * width + q];
              a.im[(n - k) * width + q] = -a.im[k * width + q];
            }
        }
        std::swap(a.re, a.im);
      }
      if (!plan.run(width, a, b)) ok = false;
      if (kind == kBackward || kind == kToReal) std::swap(a.re, a.im);
      if (kind == kToComplex && halved) {
        joinHalves(length, width, a, plan.roots, b);
        std::swap(a, b);
      } else if (kind == kToComplex) {
        std::fill(a.im, a.im + width, T(0));
      }
      // The other half of a whole spectrum.
      if (kind == kToComplex)
        for (int64_t k = (n + 2) / 2; k < to.count; k++)
          for (int64_t q = 0; q < width; q++) {
            a.re[k * width + q] = a.re[(n - k) * width + q];
            a.im[k * width + q] = -a.im[(n - k) * width + q];
          }
      storeLanes(to, a, scale, result);
    }
  });
  return ok ? kOk : kOutOfMemory;
}

}  // namespace

// fft(x, out, dim, n, kind, scale): out = scale * the transform of x along a dimension. Complex tensors have their parts in
// a further last dimension. Kinds: complex forward, complex backward, real to a spectrum (n / 2 + 1 of it, or all n), and from
// n / 2 + 1 of a spectrum back to real.
KERNEL(fft) {
  const TensorArg x = args.tensor(), out = args.tensor();
  const int dim = args.i32();
  const int64_t n = args.i64();
  const int kind = args.i32();
  const double scale = args.f64();
  const int dims = x.ndim - (kind == kToComplex ? 0 : 1);
  if (n < 1 || kind < 0 || kind > kToReal || dim < 0 || dim >= dims || out.ndim - (kind == kToReal ? 0 : 1) != dims)
    return kUnsupported;
  if ((kind != kToComplex && x.sizes[dims] != 2) || (kind != kToReal && out.sizes[dims] != 2)) return kUnsupported;
  const int64_t half = n / 2 + 1;
  if (x.sizes[dim] != (kind == kToReal ? half : n)) return kUnsupported;
  if (out.sizes[dim] != n && !(kind == kToComplex && out.sizes[dim] == half)) return kUnsupported;
  for (int d = 0; d < dims; d++)
    if (d != dim && x.sizes[d] != out.sizes[d]) return kUnsupported;
  if (x.dtype != out.dtype) return kUnsupported;
  if (x.dtype == DType::f32) return transform<float>(x, out, dim, n, Kind(kind), float(scale));
  if (x.dtype == DType::f64) return transform<double>(x, out, dim, n, Kind(kind), scale);
  return kUnsupported;
}

}  // namespace flambeau
