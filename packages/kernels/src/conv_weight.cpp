// The gradient of convolution with respect to its weights: a product over images and points, summed in a fixed order.
#include <utility>

#include "conv.hpp"
#include "conv_tile.hpp"
#include "transpose.hpp"

namespace flambeau {
namespace {

// The points of a box: rows of the image for the taps, and the matching rows of the gradient.
struct Points {
  int64_t n[3];
  int64_t imageStep[2], gradStep[2];
};

template <class C>
using WeightTile = void (*)(const C* x, const int64_t* offsets, const C* grad, int64_t gradWidth, const Points& points, C* sums,
                            int64_t pitch, bool first);

// Channel tiles: sums[r][v] += Σ_point x[offsets[r] + point] · grad[point][v], with the gradient as points × channels.
template <class C, int R, int V>
void channelWeightTile(const C* x, const int64_t* offsets, const C* grad, int64_t gradWidth, const Points& points, C* sums,
                       int64_t pitch, bool first) {
  constexpr int L = kLanes<C>;
  Vec<C> acc[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) acc[r][v] = first ? Vec<C>{} : load(sums + r * pitch + v * L);
  for (int64_t i = 0; i < points.n[0]; i++)
    for (int64_t j = 0; j < points.n[1]; j++) {
      const C* row = x + i * points.imageStep[0] + j * points.imageStep[1];
      const C* p[R];
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) p[r] = row + offsets[r];
      const C* g = grad + (i * points.n[1] + j) * points.n[2] * gradWidth;
      for (int64_t k = 0; k < points.n[2]; k++, g += gradWidth) {
        Vec<C> gk[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) gk[v] = load(g + v * L);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
          const Vec<C> point = splat(p[r][k]);
#pragma GCC unroll 2
          for (int v = 0; v < V; v++) acc[r][v] += point * gk[v];
        }
      }
    }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int v = 0; v < V; v++) store(sums + r * pitch + v * L, acc[r][v]);
}

// Row tiles: R output channels × T taps, a vector of points at a time; sums are kept a vector wide to the very end.
constexpr int kWeightRows = 3;
constexpr int kWeightTaps = kRegisters == 32 ? 9 : 4;

template <class C, int R, int T>
void rowWeightTile(const C* x, const int64_t* offsets, const C* grad, int64_t gradPitch, const Points& points, C* sums, int64_t pitch,
                   bool first) {
  constexpr int L = kLanes<C>;
  Vec<C> acc[R][T];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int t = 0; t < T; t++) acc[r][t] = first ? Vec<C>{} : load(sums + r * pitch + t * L);
  const int64_t whole = points.n[2] / L * L, rest = points.n[2] - whole;
  // What is left of a row is read as its last whole vector, or from a padded copy if the row is shorter than one.
  const bool overlap = whole > 0;
  Vec<C> lane;
  for (int i = 0; i < L; i++) lane[i] = C(i);
  const auto counts = overlap ? lane >= splat(C(L - rest)) : lane < splat(C(rest));
  for (int64_t i = 0; i < points.n[0]; i++)
    for (int64_t j = 0; j < points.n[1]; j++) {
      const C* row = x + i * points.imageStep[0] + j * points.imageStep[1];
      const C* p[T];
#pragma GCC unroll 16
      for (int t = 0; t < T; t++) p[t] = row + offsets[t];
      const C* g = grad + i * points.gradStep[0] + j * points.gradStep[1];
      const auto add = [&](int64_t k, auto mask) __attribute__((always_inline)) {
        Vec<C> gk[R];
#pragma GCC unroll 3
        for (int r = 0; r < R; r++) gk[r] = mask(load(g + r * gradPitch + k));
#pragma GCC unroll 9
        for (int t = 0; t < T; t++) {
          const Vec<C> point = mask(load(p[t] + k));
#pragma GCC unroll 3
          for (int r = 0; r < R; r++) acc[r][t] += gk[r] * point;
        }
      };
      for (int64_t k = 0; k < whole; k += L) add(k, [](Vec<C> v) { return v; });
      // The other lanes must not count, not even as infinity times zero.
      if (rest) add(overlap ? points.n[2] - L : 0, [&](Vec<C> v) { return counts ? v : Vec<C>{}; });
    }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 9
    for (int t = 0; t < T; t++) store(sums + r * pitch + t * L, acc[r][t]);
}

template <class C, int V, size_t... R> WeightTile<C> pickChannelTile(int r, std::index_sequence<R...>) {
  static constexpr WeightTile<C> tiles[] = {channelWeightTile<C, int(R) + 1, V>...};
  return tiles[r - 1];
}
template <class C, int R, size_t... T> WeightTile<C> pickRowTile(int t, std::index_sequence<T...>) {
  static constexpr WeightTile<C> tiles[] = {rowWeightTile<C, R, int(T) + 1>...};
  return tiles[t - 1];
}
template <class C> WeightTile<C> channelTileOf(int r, int v) {
  return v == 2 ? pickChannelTile<C, 2>(r, std::make_index_sequence<kPoints>{})
                : pickChannelTile<C, 1>(r, std::make_index_sequence<kPointsSingle>{});
}
template <class C> WeightTile<C> rowTileOf(int r, int t) {
  constexpr auto taps = std::make_index_sequence<kWeightTaps>{};
  return r == 3 ? pickRowTile<C, 3>(t, taps) : r == 2 ? pickRowTile<C, 2>(t, taps) : pickRowTile<C, 1>(t, taps);
}

// Points of images that are taken several at a time, and the bytes of the padded copy of those, and of larger ones.
constexpr int64_t kSmallImage = 64;
constexpr int64_t kSmallImagesBytes = 512 << 10, kBoxBytes = 192 << 10;

template <class C> class WeightGradient {
  static constexpr int L = kLanes<C>;

  const Images &x_, &grad_, &out_;
  const Axis* axes_;
  const int64_t groups_, channels_, rows_;  // channels in and out of a group
  const int64_t boxBytes_;
  Layout layout_;
  bool byChannels_, gradInPlace_;
  int64_t taps_, boxes_[3], pieces_, splits_;
  int64_t width_;     // channels of the sums, rounded up to vectors
  int64_t sumsSize_;  // of one group of one piece
  Scratch sumsMemory_;
  C* sums_;
  std::atomic<bool> failed_{false};

  void choose() {
    const int64_t n = x_.sizes[0];
    const bool small = rows_ * taps_ * L * int64_t(sizeof(C)) <= (512 << 10);
    byChannels_ = !(small && (rows_ * 2 <= L || taps_ <= 12));
    width_ = roundUp(rows_, L);
    sumsSize_ = byChannels_ ? width_ * taps_ : rows_ * taps_ * L;

    int64_t points = 1;
    for (int d = 0; d < 3; d++) points *= layout_.box[d] = axes_[d].count > 0 ? axes_[d].count : 1;
    const int64_t most = byChannels_ ? 512 : 4096;
    while (stagedSize(axes_, layout_.box, channels_) > boxBytes_ / int64_t(sizeof(C)) || points > most) {
      if (!halveBox(layout_.box, 4 * L)) break;
      points = layout_.box[0] * layout_.box[1] * layout_.box[2];
    }
    int64_t boxes = n;
    for (int d = 0; d < 3; d++) boxes *= boxes_[d] = ceilDiv(axes_[d].count, layout_.box[d]);

    // Sixteen pieces of work if there is enough: by output channels where the sums are large, else by images and boxes.
    const int64_t bytes = groups_ * sumsSize_ * int64_t(sizeof(C)), blocks = byChannels_ ? ceilDiv(width_, 2 * L) : 1;
    splits_ = bytes <= (256 << 10) ? 1 : bytes <= (2 << 20) ? 4 : 16;
    splits_ = splits_ < blocks ? splits_ : blocks;
    const double work = double(n) * double(groups_ * rows_ * taps_) * double(axes_[0].count * axes_[1].count * axes_[2].count);
    pieces_ = ceilDiv(16, groups_ * splits_);
    while (pieces_ > 1 && work / double(pieces_ * groups_ * splits_) < 2e5) pieces_ /= 2;
    pieces_ = pieces_ < boxes ? pieces_ : boxes;
  }

  // Points × channels [from, to) of one box of the gradient.
  void transposeGrad(const char* data, int64_t offset, const int64_t* n, int64_t from, int64_t to, C* out, int64_t width) const {
    int64_t rows = n[0] * n[1], length = n[2], inner = n[1];
    const int64_t* s = grad_.strides;
    if (n[2] == axes_[2].count && s[3] == n[2] * s[4]) {
      rows = n[0];
      length = n[1] * n[2];
      inner = 1;
    }
    const int64_t channels = to - from, tail = channels % L;
    if (tail)
      for (int64_t i = 0; i < rows * length; i++) store(out + i * width + channels - tail, Vec<C>{});
    for (int64_t row = 0; row < rows; row++) {
      const int64_t at = offset + row / inner * s[2] + row % inner * s[3];
      C* target = out + row * length * width;
      int64_t done = 0;
      if (grad_.dtype == kDTypeOf<C> && s[4] == 1 && length >= L) {
        const C* source = reinterpret_cast<const C*>(data) + at;
        for (int64_t c = 0; c + L <= channels; c += L, done += L)
          for (int64_t i = 0; i < length; i += L) {
            const int64_t k = i + L > length ? length - L : i;
            transposeBlock(source + (from + c) * s[1] + k, s[1], target + k * width + c, width, L);
          }
      }
      for (int64_t c = done; c < channels; c++) {
        const int64_t start = at + (from + c) * s[1];
        const auto copy = [&](auto tag) {
          const auto* source = reinterpret_cast<const decltype(tag)*>(data) + start;
          for (int64_t i = 0; i < length; i++) target[i * width + c] = from_(source[i * s[4]]);
        };
        gradAs(copy);
      }
    }
  }

  // Channels × rows of whole vectors, the last one of each row filled up with zeros.
  void padGrad(const char* data, int64_t offset, const int64_t* n, C* out, const int64_t* step, int64_t pitch) const {
    const int64_t* s = grad_.strides;
    for (int64_t r = 0; r < rows_; r++)
      for (int64_t i = 0; i < n[0]; i++)
        for (int64_t j = 0; j < n[1]; j++) {
          C* target = out + r * pitch + i * step[0] + j * step[1];
          const int64_t start = offset + r * s[1] + i * s[2] + j * s[3];
          if (n[2] % L) store(target + n[2] / L * L, Vec<C>{});
          if (grad_.dtype == kDTypeOf<C> && s[4] == 1) {
            copyRow(target, reinterpret_cast<const C*>(data) + start, n[2]);
            continue;
          }
          gradAs([&](auto tag) {
            const auto* source = reinterpret_cast<const decltype(tag)*>(data) + start;
            for (int64_t k = 0; k < n[2]; k++) target[k] = from_(source[k * s[4]]);
          });
        }
  }

  template <class T> static C from_(T v) { return from<C>(v); }
  template <class F> void gradAs(F&& f) const {
    if constexpr (sizeof(C) == 8) f(double{});
    else if (grad_.dtype == DType::f32) f(float{});
    else if (grad_.dtype == DType::f16) f(Half{});
    else f(BFloat16{});
  }

  // One piece of the boxes, one group, one range of output channels.
  void compute(int64_t piece, int64_t group, int64_t split) {
    FLAMBEAU_PER_THREAD Scratch imageScratch, gradScratch;
    const int64_t boxes = x_.sizes[0] * boxes_[0] * boxes_[1] * boxes_[2];
    const int64_t first = piece * boxes / pieces_, last = (piece + 1) * boxes / pieces_;
    const int64_t blocks = ceilDiv(width_, 2 * L);
    const int64_t begin = splits_ == 1 ? 0 : split * blocks / splits_ * 2 * L;
    const int64_t end = splits_ == 1 || split == splits_ - 1 ? width_ : (split + 1) * blocks / splits_ * 2 * L;
    C* sums = sums_ + (piece * groups_ + group) * sumsSize_;
    const int64_t pad = roundUp(layout_.box[2], L), plane = layout_.box[0] * layout_.box[1] * pad;
    C* imageCopy = layout_.direct ? nullptr : imageScratch.get<C>(layout_.size);
    C* gradCopy = gradInPlace_ ? nullptr : gradScratch.get<C>(byChannels_ ? plane * (end - begin) : plane * rows_);
    if ((!layout_.direct && !imageCopy) || (!gradInPlace_ && !gradCopy)) {
      failed_ = true;
      return;
    }
    for (int64_t b = first; b < last; b++) {
      int64_t lo[3], rest = b;
      Points points;
      for (int d = 2; d >= 0; d--) {
        lo[d] = rest % boxes_[d] * layout_.box[d];
        rest /= boxes_[d];
        const int64_t left = axes_[d].count - lo[d];
        points.n[d] = left < layout_.box[d] ? left : layout_.box[d];
      }
      const int64_t imageAt = rest * x_.strides[0] + group * channels_ * x_.strides[1];
      int64_t gradAt = rest * grad_.strides[0] + group * rows_ * grad_.strides[1];
      const C* image = imageCopy;
      if (layout_.direct) {
        image = reinterpret_cast<const C*>(x_.data) + imageAt;
        for (int d = 0; d < 3; d++) image += lo[d] * layout_.lattice[d];
      } else {
        stage(axes_, layout_, x_.data + imageAt * itemSize(x_.dtype), x_.dtype, x_.strides[1], lo, points.n, imageCopy);
      }
      for (int d = 0; d < 3; d++) gradAt += lo[d] * grad_.strides[d + 2];
      for (int d = 0; d < 2; d++) points.imageStep[d] = layout_.lattice[d];
      if (byChannels_) {
        transposeGrad(grad_.data, gradAt, points.n, begin, end < rows_ ? end : rows_, gradCopy, end - begin);
        channelTiles(image, gradCopy, begin, end, points, sums, b == first);
      } else {
        int64_t pitch = grad_.strides[1];
        const C* grad = reinterpret_cast<const C*>(grad_.data) + gradAt;
        points.gradStep[0] = grad_.strides[2];
        points.gradStep[1] = grad_.strides[3];
        if (!gradInPlace_) {
          points.gradStep[1] = pad;
          points.gradStep[0] = pad * layout_.box[1];
          pitch = plane;
          padGrad(grad_.data, gradAt, points.n, gradCopy, points.gradStep, pitch);
          grad = gradCopy;
        }
        rowTiles(image, grad, pitch, points, sums, b == first);
      }
    }
  }

  void channelTiles(const C* image, const C* grad, int64_t begin, int64_t end, const Points& points, C* sums, bool first) const {
    for (int64_t c = begin; c < end; c += 2 * L) {
      const int v = end - c > L ? 2 : 1;
      const int64_t tiles = ceilDiv(taps_, v == 2 ? kPoints : kPointsSingle);
      for (int64_t t = 0; t < tiles; t++) {
        const int64_t k = t * taps_ / tiles, count = (t + 1) * taps_ / tiles - k;
        channelTileOf<C>(int(count), v)(image, layout_.offsets.data() + k, grad + c - begin, end - begin, points, sums + k * width_ + c,
                                        width_, first);
      }
    }
  }

  void rowTiles(const C* image, const C* grad, int64_t gradPitch, const Points& points, C* sums, bool first) const {
    const int64_t tiles = ceilDiv(taps_, kWeightTaps), strips = ceilDiv(rows_, kWeightRows);
    for (int64_t s = 0; s < strips; s++) {
      const int64_t r = s * rows_ / strips, rows = (s + 1) * rows_ / strips - r;
      for (int64_t t = 0; t < tiles; t++) {
        const int64_t k = t * taps_ / tiles, count = (t + 1) * taps_ / tiles - k;
        rowTileOf<C>(int(rows), int(count))(image, layout_.offsets.data() + k, grad + r * gradPitch, gradPitch, points,
                                            sums + (r * taps_ + k) * L, taps_ * L, first);
      }
    }
  }

  void write(int64_t row, int64_t tap, C value) const {
    const int64_t at = row * out_.strides[0] + layout_.weights[size_t(tap)];
    if constexpr (sizeof(C) == 8) reinterpret_cast<double*>(out_.data)[at] = value;
    else if (out_.dtype == DType::f32) reinterpret_cast<float*>(out_.data)[at] = value;
    else if (out_.dtype == DType::f16) reinterpret_cast<Half*>(out_.data)[at] = Half(value);
    else reinterpret_cast<BFloat16*>(out_.data)[at] = BFloat16(value);
  }

  Vec<C> total(int64_t group, int64_t at) const {
    Vec<C> sum{};
    for (int64_t piece = 0; piece < pieces_; piece++) sum += load(sums_ + (piece * groups_ + group) * sumsSize_ + at);
    return sum;
  }

  // Adds up the pieces, a vector of channels × some taps at a time.
  void combineChannels(bool dense) const {
    const int64_t strips = width_ / L, cuts = ceilDiv(taps_, 4 * L);
    parallelFor(groups_ * strips * cuts, 8, [&](int64_t begin, int64_t end) {
      C block[L * L];
      for (int64_t i = begin; i < end; i++) {
        const int64_t cut = i % cuts, r = i / cuts % strips * L, group = i / cuts / strips;
        const int64_t rows = rows_ - r < L ? rows_ - r : L, stop = (cut + 1) * 4 * L < taps_ ? (cut + 1) * 4 * L : taps_;
        for (int64_t k = cut * 4 * L; k < stop; k += L) {
          const int64_t some = stop - k < L ? stop - k : L;
          for (int64_t t = 0; t < some; t++) store(block + t * L, total(group, (k + t) * width_ + r));
          if (dense && some == L) {
            C* out = reinterpret_cast<C*>(out_.data) + (group * rows_ + r) * out_.strides[0] + k;
            transposeBlock(block, L, out, out_.strides[0], rows);
          } else {
            for (int64_t j = 0; j < rows; j++)
              for (int64_t t = 0; t < some; t++) write(group * rows_ + r + j, k + t, block[t * L + j]);
          }
        }
      }
    });
  }

  void combineRows() const {
    parallelFor(groups_ * rows_ * taps_, 1024, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t k = i % taps_, r = i / taps_ % rows_, group = i / taps_ / rows_;
        const Vec<C> sum = total(group, (r * taps_ + k) * L);
        C parts[L];
        store(parts, sum);
        for (int half = L / 2; half > 0; half /= 2)
          for (int j = 0; j < half; j++) parts[j] += parts[j + half];
        write(group * rows_ + r, k, parts[0]);
      }
    });
  }

 public:
  WeightGradient(const Images& x, const Images& grad, const Images& out, const Axis* axes, int64_t groups, int64_t boxBytes)
      : x_(x), grad_(grad), out_(out), axes_(axes), groups_(groups), channels_(out.sizes[1]), rows_(out.sizes[0] / groups),
        boxBytes_(boxBytes) {}

  int run() {
    taps_ = channels_;
    for (int d = 0; d < 3; d++) taps_ *= int64_t(axes_[d].taps.size());
    choose();
    layout_.channels = channels_;
    // Rows are cut in boxes of whole vectors; only the last box of a row can be shorter than one.
    const int64_t lastBox = axes_[2].count - (boxes_[2] - 1) * layout_.box[2];
    const bool vectorRows = lastBox >= L;
    layout_.direct = x_.dtype == kDTypeOf<C> && readableInPlace(axes_) && (byChannels_ || vectorRows);
    gradInPlace_ = !byChannels_ && grad_.dtype == kDTypeOf<C> && grad_.strides[4] == 1 && vectorRows;
    planTaps(axes_, layout_, x_.strides[1], out_.strides[1], L);
    sums_ = sumsMemory_.get<C>(pieces_ * groups_ * sumsSize_);
    if (!sums_) return kOutOfMemory;
    if (pieces_ > 0) {
      const int64_t tasks = pieces_ * groups_ * splits_;
      const double work = double(x_.sizes[0]) * double(groups_ * rows_ * taps_) *
                          double(axes_[0].count * axes_[1].count * axes_[2].count);
      const double grain = 2e5 * double(tasks) / (work + 1);
      parallelFor(tasks, int64_t(grain), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) compute(i / splits_ / groups_, i / splits_ % groups_, i % splits_);
      });
    }
    if (failed_) return kOutOfMemory;
    bool dense = out_.dtype == kDTypeOf<C>;
    for (size_t k = 0; k < layout_.weights.size(); k++) dense = dense && layout_.weights[k] == int64_t(k);
    if (byChannels_) combineChannels(dense);
    else combineRows();
    return kOk;
  }
};

}  // namespace

// convGradWeight(x [N, C, *spatial], grad [N, O, *], gradW [O, C/groups, *kernel], stride[], padding[], dilation[], groups)
KERNEL(convGradWeight) {
  const TensorArg xArg = args.tensor(), gradArg = args.tensor(), outArg = args.tensor();
  const Window window(args);
  const int64_t groups = args.i64();
  Images x(xArg);
  const Images grad(gradArg), out(outArg);
  if (out.empty()) return kOk;
  Axis axes[3];
  for (int d = 0; d < 3; d++) {
    Axis& a = axes[d];
    a = {x.sizes[d + 2], x.strides[d + 2], grad.sizes[d + 2], window.stride[d], 0, grad.strides[d + 2], {}};
    for (int64_t k = 0; k < out.sizes[d + 2]; k++)
      a.taps.push_back({k * window.dilation[d] - window.padding[d], k * out.strides[d + 2]});
  }
  // The gradient's axes are those of the lattice, merged alike.
  Images lattice = grad;
  mergeAxes(axes);
  // Small images are planes of one volume: sums as large as the weights are then read and written once for several of them.
  const bool plane = axes[0].size == 1 && axes[0].count == 1 && axes[0].taps.size() == 1 && axes[0].taps[0].delta == 0;
  const bool small = plane && axes[1].count * axes[2].count <= kSmallImage;
  if (small) {
    axes[0] = {x.sizes[0], x.strides[0], x.sizes[0], 1, 0, grad.strides[0], {Tap{0, axes[0].taps[0].weight}}};
    x.sizes[0] = lattice.sizes[0] = 1;
  }
  for (int d = 0; d < 3; d++) {
    lattice.sizes[d + 2] = axes[d].count;
    lattice.strides[d + 2] = axes[d].outStride;
  }
  const int64_t boxBytes = small ? kSmallImagesBytes : kBoxBytes;
  switch (x.dtype) {
    case DType::f32:
    case DType::f16:
    case DType::bf16: return WeightGradient<float>(x, lattice, out, axes, groups, boxBytes).run();
    case DType::f64: return WeightGradient<double>(x, lattice, out, axes, groups, boxBytes).run();
    default: return kUnsupported;
  }
}

}  // namespace flambeau
