// Max pooling over one to three dimensions, with the positions of the maxima.
#include <atomic>
#include <limits>
#include <vector>

#include "copy.hpp"
#include "pool.hpp"
#include "scratch.hpp"

namespace flambeau {
namespace {

template <class S> constexpr S lowest() {
  return std::numeric_limits<S>::has_infinity ? -std::numeric_limits<S>::infinity() : std::numeric_limits<S>::lowest();
}

// dst[i] = src[i·step]
template <class S, class T> FLAMBEAU_INLINE void gatherRow(S* dst, const T* src, int64_t step, int64_t n) {
  int64_t done = 0;
  if constexpr (std::is_same<S, T>::value) {
    if (step == 1) return copyRow(dst, src, n);
    if (step == 2)
      done = forVectors<T>(0, n, [&](int64_t i, auto bytes) {
        const auto v = loadStrided<T, decltype(bytes)::value>(src + 2 * i, 2);
        std::memcpy(dst + i, &v, sizeof v);
      });
  }
  for (int64_t i = done; i < n; i++) dst[i] = from<S>(src[i * step]);
}

// dst[i·step] = src[i]
template <class T, class S> FLAMBEAU_INLINE void scatterRow(T* dst, int64_t step, const S* src, int64_t n) {
  if constexpr (std::is_same<S, T>::value)
    if (step == 1) return copyRow(dst, src, n);
  if (step == 1)
    for (int64_t i = 0; i < n; i++) dst[i] = to<T>(src[i]);
  else
    for (int64_t i = 0; i < n; i++) dst[i * step] = to<T>(src[i]);
}

// Blocks of a plane are staged with their columns split by the residues of the stride, so that every tap of a row of
// outputs is one run of values. Rows are computed in whole vectors into a buffer, where each spills into the next.
template <class S> class MaxPool {
  using Index = std::conditional_t<sizeof(S) == 4, int32_t, int64_t>;
  static constexpr int L = kLanes<S>;
  static constexpr int64_t kStaged = 32768 / int64_t(sizeof(S));
  static constexpr int64_t kColumns = 1024;

  struct Tap {
    int64_t offset;  // in the staged block
    Index index;     // in the plane, from the window's first point
    int64_t z, y;
  };

  const Planes &x_, &values_, &indices_;
  const PoolAxis* axes_;
  int64_t rows_, columns_;  // outputs of a block
  int64_t reach_, pitch_, slicePitch_, phasePitch_;
  bool flat_;  // the staged rows of a slice are one run of the input
  std::vector<int64_t> phases_;
  std::vector<Tap> taps_;
  std::vector<Index> column_, clip_;  // where each column's window starts, and how much of it lies before the row
  std::atomic<bool> failed_{false};

  int64_t stagedRows(int64_t rows) const { return (rows - 1) * axes_[1].stride + (axes_[1].kernel - 1) * axes_[1].dilation + 1; }

  void plan() {
    const PoolAxis& w = axes_[2];
    std::vector<int64_t> slot;
    reach_ = (w.kernel - 1) * w.dilation / w.stride;
    for (int64_t k = 0; k < w.kernel; k++) {
      const int64_t phase = k * w.dilation % w.stride;
      size_t s = 0;
      while (s < phases_.size() && phases_[s] != phase) s++;
      if (s == phases_.size()) phases_.push_back(phase);
      slot.push_back(int64_t(s));
    }
    columns_ = w.count < kColumns ? w.count : kColumns;
    flat_ = columns_ == w.count && w.padding == 0 && w.size % w.stride == 0 && w.count + reach_ <= w.size / w.stride &&
            x_.strides[1] == w.size * x_.strides[2];
    pitch_ = flat_ ? w.size / w.stride : columns_ + reach_;
    rows_ = axes_[1].count;
    while (rows_ > 1 && axes_[0].kernel * int64_t(phases_.size()) * stagedRows(rows_) * pitch_ > kStaged) rows_ = (rows_ + 1) / 2;
    slicePitch_ = stagedRows(rows_) * pitch_;
    phasePitch_ = slicePitch_ * axes_[0].kernel;
    for (int64_t z = 0; z < axes_[0].kernel; z++)
      for (int64_t y = 0; y < axes_[1].kernel; y++)
        for (int64_t k = 0; k < w.kernel; k++) {
          const int64_t down = y * axes_[1].dilation, along = k * w.dilation;
          taps_.push_back({slot[size_t(k)] * phasePitch_ + z * slicePitch_ + down * pitch_ + along / w.stride,
                           Index((z * axes_[0].dilation * x_.sizes[1] + down) * x_.sizes[2] + along), z, y});
        }
    column_.resize(size_t(w.count + L));
    clip_.resize(size_t(w.count + L));
    for (int64_t i = 0; i < w.count; i++) {
      column_[size_t(i)] = Index(i * w.stride - w.padding);
      clip_[size_t(i)] = Index(w.span(i).first) - column_[size_t(i)];
    }
  }

  // Rows [y0, y1) of a slice of the input, for the columns of `n` outputs from c0 on.
  template <class T> void stage(const T* slice, int64_t y0, int64_t y1, int64_t c0, int64_t n, S* out) const {
    const int64_t stride = axes_[2].stride, step = stride * x_.strides[2];
    for (size_t f = 0; f < phases_.size(); f++, out += phasePitch_) {
      const int64_t start = c0 * stride - axes_[2].padding + phases_[f], points = n + reach_;
      if (flat_) {
        gatherRow(out, slice + y0 * x_.strides[1] + start * x_.strides[2], step, (y1 - y0) * pitch_);
        continue;
      }
      int64_t begin = start < 0 ? (stride - 1 - start) / stride : 0;
      int64_t end = start < x_.sizes[2] ? (x_.sizes[2] - start + stride - 1) / stride : 0;
      end = end < points ? end : points;
      begin = begin < end ? begin : end;
      const T* source = slice + (start + begin * stride) * x_.strides[2];
      for (int64_t y = y0; y < y1; y++) {
        S* row = out + (y - y0) * pitch_;
        for (int64_t i = 0; i < begin; i++) row[i] = lowest<S>();
        gatherRow(row + begin, source + y * x_.strides[1], step, end - begin);
        for (int64_t i = end; i < points; i++) row[i] = lowest<S>();
      }
    }
  }

  // Rows that have all their taps in common. A NaN wins over everything, the last of them; among equals the first wins.
  template <int Count>
  void sweep(const S* p, int64_t step, const Tap* taps, int64_t count, Index base, Index baseStep, int64_t height, int64_t c0,
             int64_t width, S* out, Index* at) const {
    if (Count) count = Count;
    for (int64_t h = 0; h < height; h++, p += step, base += baseStep, out += width, at += width)
      for (int64_t i = 0; i < width; i += L) {
        Vec<S> best = load(p + taps[0].offset + i);
        Vec<Index> index = load(&clip_[size_t(c0 + i)]) + taps[0].index;
#pragma GCC unroll 4
        for (int64_t t = 1; t < count; t++) {
          const Vec<S> v = load(p + taps[t].offset + i);
          const Vec<Index> better = (v > best) | (v != v);
          best = better ? v : best;
          index = better ? splat(taps[t].index) : index;
        }
        store(out + i, best);
        store(at + i, index + load(&column_[size_t(c0 + i)]) + base);
      }
  }

  // One block of rows and columns of one slice of one plane.
  template <class T> void compute(int64_t p, int64_t depth, int64_t h0, int64_t h1, int64_t c0, int64_t c1) {
    FLAMBEAU_PER_THREAD Scratch stagedScratch, valuesScratch, indicesScratch, tapsScratch;
    const int64_t width = c1 - c0, outputs = (h1 - h0) * width;
    S* staged = stagedScratch.get<S>(phasePitch_ * int64_t(phases_.size()) + L);
    S* best = valuesScratch.get<S>(outputs + L);
    Index* at = indicesScratch.get<Index>(outputs + L);
    Tap* some = tapsScratch.get<Tap>(int64_t(taps_.size()));
    if (!staged || !best || !at || !some) {
      failed_ = true;
      return;
    }
    const PoolAxis &d = axes_[0], &h = axes_[1];
    const int64_t z0 = depth * d.stride - d.padding, top = h0 * h.stride - h.padding;
    const int64_t y0 = top < 0 ? 0 : top, bottom = top + stagedRows(h1 - h0), y1 = bottom < h.size ? bottom : h.size;
    const T* plane = reinterpret_cast<const T*>(x_.data) + x_.plane(p);
    for (int64_t k = 0; k < d.kernel; k++) {
      const int64_t z = z0 + k * d.dilation;
      if (z >= 0 && z < d.size) stage(plane + z * x_.strides[0], y0, y1, c0, width, staged + k * slicePitch_);
    }
    int64_t inner0 = 0, inner1 = 0;
    h.interior(inner0, inner1);
    for (int64_t row = h0; row < h1;) {
      // Rows whose windows lie inside the plane go together, those at its edges one by one with the taps they have.
      const bool inner = row >= inner0 && row < inner1;
      const int64_t stop = !inner ? row + 1 : inner1 < h1 ? inner1 : h1, start = row * h.stride - h.padding;
      int64_t count = 0;
      for (const Tap& tap : taps_) {
        const int64_t z = z0 + tap.z * d.dilation, y = start + tap.y * h.dilation;
        if (z >= 0 && z < d.size && y >= 0 && y < h.size) some[count++] = tap;
      }
      const int64_t base = (z0 * x_.sizes[1] + start) * x_.sizes[2], baseStep = h.stride * x_.sizes[2];
      const S* from = staged + (start - y0) * pitch_;
      S* out = best + (row - h0) * width;
      Index* outAt = at + (row - h0) * width;
      if (count == 4) sweep<4>(from, h.stride * pitch_, some, 4, Index(base), Index(baseStep), stop - row, c0, width, out, outAt);
      else if (count > 0) sweep<0>(from, h.stride * pitch_, some, count, Index(base), Index(baseStep), stop - row, c0, width, out, outAt);
      else nothing(d.span(depth), row, stop, c0, width, out, outAt);
      row = stop;
    }
    write(values_, reinterpret_cast<T*>(values_.data), p, depth, h0, h1, c0, width, best);
    write(indices_, reinterpret_cast<int64_t*>(indices_.data), p, depth, h0, h1, c0, width, at);
  }

  // Dilated windows can have all their taps outside.
  void nothing(Span d, int64_t row, int64_t stop, int64_t c0, int64_t width, S* out, Index* at) const {
    for (; row < stop; row++)
      for (int64_t i = 0; i < width; i++) {
        *out++ = lowest<S>();
        *at++ = Index((d.first * x_.sizes[1] + axes_[1].span(row).first) * x_.sizes[2]) + column_[size_t(c0 + i)] + clip_[size_t(c0 + i)];
      }
  }

  template <class T, class V>
  void write(const Planes& to, T* data, int64_t p, int64_t depth, int64_t h0, int64_t h1, int64_t c0, int64_t width, const V* source) const {
    data += to.plane(p) + depth * to.strides[0] + h0 * to.strides[1] + c0 * to.strides[2];
    int64_t rows = h1 - h0, n = width;
    if (to.strides[1] == width * to.strides[2]) {
      n *= rows;
      rows = 1;
    }
    for (int64_t r = 0; r < rows; r++) scatterRow(data + r * to.strides[1], to.strides[2], source + r * n, n);
  }

 public:
  MaxPool(const Planes& x, const Planes& values, const Planes& indices, const PoolAxis* axes)
      : x_(x), values_(values), indices_(indices), axes_(axes) {}

  template <class T> int run() {
    plan();
    const int64_t height = axes_[1].count, width = axes_[2].count;
    const int64_t down = (height + rows_ - 1) / rows_, along = (width + columns_ - 1) / columns_;
    const int64_t cost = rows_ * ((columns_ + L - 1) / L) * (int64_t(taps_.size()) * 3 + 10) + 64;
    parallelFor(values_.count * axes_[0].count * down * along, 32768 / cost, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t c = i % along * columns_, h = i / along % down * rows_, rest = i / along / down;
        compute<T>(rest / axes_[0].count, rest % axes_[0].count, h, h + rows_ < height ? h + rows_ : height, c,
                   c + columns_ < width ? c + columns_ : width);
      }
    });
    return failed_ ? kOutOfMemory : kOk;
  }
};

}  // namespace

// maxPool(x, values, indices, kernel[], stride[], padding[], dilation[]): indices are positions in the input's plane
KERNEL(maxPool) {
  const TensorArg xArg = args.tensor(), valuesArg = args.tensor(), indicesArg = args.tensor();
  const PoolWindow window(args, true);
  if (xArg.dtype == DType::boolean) return kUnsupported;
  if (valuesArg.numel() == 0) return kOk;
  const Planes x(xArg, window.spatial), values(valuesArg, window.spatial), indices(indicesArg, window.spatial);
  PoolAxis axes[3];
  window.axes(x, values, axes);
  return dispatch(x.dtype, [&](auto tag) -> int {
    using T = decltype(tag);
    using Wide = std::conditional_t<std::is_same<Compute<T>, int64_t>::value, int64_t, double>;
    using Narrow = std::conditional_t<sizeof(T) == 8, Wide, std::conditional_t<std::is_same<Wide, double>::value, float, int32_t>>;
    if constexpr (std::is_same<T, Bool>::value) return kUnsupported;
    // Positions are kept in lanes as wide as the values: planes too large for 32 bits are computed in 64.
    else if (x.area() > INT32_MAX) return MaxPool<Wide>(x, values, indices, axes).template run<T>();
    else return MaxPool<Narrow>(x, values, indices, axes).template run<T>();
  });
}

}  // namespace flambeau
