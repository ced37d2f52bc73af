// The gradient of convolution with respect to its weights: a product over images and points, summed in a fixed order.
#include <utility>

#include "conv_beside.hpp"
#include "conv_tile.hpp"

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
      const C* g = grad + i * points.gradStep[0] + j * points.gradStep[1];
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
// Vectors of the gradient are whole cache lines where those of the image are not: rather more channels than taps.
constexpr int kWeightRows = kRegisters == 32 ? 8 : 3;
constexpr int weightTaps(int rows) { return kRegisters == 16 ? 4 : rows <= 3 ? 9 : 24 / rows; }

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
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) gk[r] = mask(load(g + r * gradPitch + k));
#pragma GCC unroll 9
        for (int t = 0; t < T; t++) {
          const Vec<C> point = mask(load(p[t] + k));
#pragma GCC unroll 8
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
template <class C, int R, size_t... T> WeightTile<C> pickTaps(int t, std::index_sequence<T...>) {
  static constexpr WeightTile<C> tiles[] = {rowWeightTile<C, R, int(T) + 1>...};
  return tiles[t - 1];
}
template <class C, int R> WeightTile<C> pickRowTile(int r, int t) {
  if constexpr (R > 1)
    if (r < R) return pickRowTile<C, R - 1>(r, t);
  return pickTaps<C, R>(t, std::make_index_sequence<weightTaps(R)>{});
}
template <class C> WeightTile<C> channelTileOf(int r, int v) {
  return v == 2 ? pickChannelTile<C, 2>(r, std::make_index_sequence<kPoints>{})
                : pickChannelTile<C, 1>(r, std::make_index_sequence<kPointsSingle>{});
}

// Small images become planes of one volume, several of which are worked on at a time: then large weights, and sums as large
// as these, pass through the caches less often. True if they have.
bool stackImages(Axis* axes, Images& source, int64_t outStride) {
  constexpr int64_t kSmallImage = 64;
  const Axis& a = axes[0];
  if (a.size != 1 || a.count != 1 || a.taps.size() != 1 || a.taps[0].delta != 0) return false;
  if (axes[1].count * axes[2].count > kSmallImage) return false;
  axes[0] = {source.sizes[0], source.strides[0], source.sizes[0], 1, a.outBase, outStride, {Tap{0, a.taps[0].weight}}};
  source.sizes[0] = 1;
  return true;
}

// Bytes of the padded copy of small images, and of larger ones.
constexpr int64_t kSmallImagesBytes = 512 << 10, kBoxBytes = 192 << 10;

template <class C> class WeightGradient {
  static constexpr int L = kLanes<C>;

  Images x_, grad_, out_;
  Axis* axes_;
  const int64_t groups_, channels_, rows_;  // channels in and out of a group
  int64_t boxBytes_ = kBoxBytes;
  Layout layout_;
  SideBySide<C> beside_;
  bool byChannels_, gradInPlace_, across_;  // across: the points of a row are images
  int64_t taps_, boxes_[3], pieces_, splits_;
  int64_t width_;     // channels of the sums, rounded up to vectors
  int64_t sumsSize_;  // of one group of one piece
  Scratch sumsMemory_;
  C* sums_;
  std::atomic<bool> failed_{false};

  // The gradient's axes become those of the lattice. False if out of memory.
  bool arrange() {
    const bool small = rows_ * taps_ * L * int64_t(sizeof(C)) <= (512 << 10);
    byChannels_ = !(small && (rows_ * 2 <= L || taps_ <= 12));
    across_ = byChannels_ && SideBySide<C>::fits(x_, axes_, channels_ >= 32 ? 16 : 8);
    if (across_) {
      if (!beside_.copy(x_, axes_, grad_.strides[0], axes_[1].size * axes_[2].size <= 128 ? 16 : 8, false)) return false;
    } else if (stackImages(axes_, x_, grad_.strides[0])) {
      boxBytes_ = kSmallImagesBytes;
    }
    grad_.sizes[0] = x_.sizes[0];
    for (int d = 0; d < 3; d++) {
      grad_.sizes[d + 2] = axes_[d].count;
      grad_.strides[d + 2] = axes_[d].outStride;
    }
    return true;
  }

  void choose() {
    const int64_t n = x_.sizes[0];
    width_ = roundUp(rows_, L);
    sumsSize_ = byChannels_ ? width_ * taps_ : rows_ * taps_ * L;

    int64_t points = 1;
    for (int d = 0; d < 3; d++) points *= layout_.box[d] = axes_[d].count > 0 ? axes_[d].count : 1;
    const int64_t most = byChannels_ ? 512 : 4096;
    if (across_) layout_.box[2] = beside_.chunk;
    while (!across_ && (stagedSize(axes_, layout_.box, channels_) > boxBytes_ / int64_t(sizeof(C)) || points > most)) {
      if (!halveBox(layout_.box, 4 * L)) break;
      points = layout_.box[0] * layout_.box[1] * layout_.box[2];
    }
    int64_t boxes = n;
    for (int d = 0; d < 3; d++) boxes *= boxes_[d] = ceilDiv(axes_[d].count, layout_.box[d]);

    // Sixteen pieces of work if there is enough: by output channels where the sums are large, else by images and boxes.
    const int64_t bytes = groups_ * sumsSize_ * int64_t(sizeof(C)), blocks = byChannels_ ? ceilDiv(width_, 2 * L) : 1;
    splits_ = bytes <= (256 << 10) && !across_ ? 1 : bytes <= (2 << 20) ? 4 : 16;
    splits_ = splits_ < blocks ? splits_ : blocks;
    const double work = double(n) * double(groups_ * rows_ * taps_) * double(axes_[0].count * axes_[1].count * axes_[2].count);
    pieces_ = ceilDiv(16, groups_ * splits_);
    while (pieces_ > 1 && work / double(pieces_ * groups_ * splits_) < 2e5) pieces_ /= 2;
    pieces_ = pieces_ < boxes ? pieces_ : boxes;
  }

  // Points × channels [from, to) of one box of the gradient.
  void transposeGrad(int64_t offset, const int64_t* n, int64_t from, int64_t to, C* out, int64_t width) const {
    const int64_t* s = grad_.strides + 2;
    if (across_) {
      for (int64_t k = 0; k < n[2]; k++)
        transposePlane(offset + k * s[2], n, s, n[1] == axes_[1].count, from, to, out + k * width, n[2] * width);
      return;
    }
    for (int64_t i = 0; i < n[0]; i++)
      transposePlane(offset + i * s[0], n + 1, s + 1, n[2] == axes_[2].count, from, to, out + i * n[1] * n[2] * width, width);
  }

  // Rows × columns as points `pitch` apart; whole: all columns of the rows.
  void transposePlane(int64_t offset, const int64_t* n, const int64_t* s, bool whole, int64_t from, int64_t to, C* out,
                      int64_t pitch) const {
    const bool merge = whole && s[0] == n[1] * s[1];
    const int64_t rows = merge ? 1 : n[0], length = merge ? n[0] * n[1] : n[1], channelStride = grad_.strides[1];
    const int64_t channels = to - from, tail = channels % L;
    if (tail)
      for (int64_t i = 0; i < rows * length; i++) store(out + i * pitch + channels - tail, Vec<C>{});
    for (int64_t row = 0; row < rows; row++) {
      const int64_t at = offset + row * s[0] + from * channelStride;
      C* target = out + row * length * pitch;
      int64_t done = 0;
      if (grad_.dtype == kDTypeOf<C> && s[1] == 1 && length >= L) {
        const C* source = reinterpret_cast<const C*>(grad_.data) + at;
        for (; done + L <= channels; done += L)
          for (int64_t i = 0; i < length; i += L) {
            const int64_t k = i + L > length ? length - L : i;
            transposeBlock(source + done * channelStride + k, channelStride, target + k * pitch + done, pitch, L);
          }
      }
      for (int64_t c = done; c < channels; c++)
        gradAs([&](auto tag) {
          const auto* source = reinterpret_cast<const decltype(tag)*>(grad_.data) + at + c * channelStride;
          for (int64_t i = 0; i < length; i++) target[i * pitch + c] = from_(source[i * s[1]]);
        });
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
      if (across_) {
        image = beside_.at(lo[2], group * channels_);
      } else if (layout_.direct) {
        image = reinterpret_cast<const C*>(x_.data) + imageAt;
        for (int d = 0; d < 3; d++) image += lo[d] * layout_.lattice[d];
      } else {
        stage(axes_, layout_, x_.data + imageAt * itemSize(x_.dtype), x_.dtype, x_.strides[1], lo, points.n, imageCopy);
      }
      for (int d = 0; d < 3; d++) gradAt += lo[d] * grad_.strides[d + 2];
      for (int d = 0; d < 2; d++) points.imageStep[d] = layout_.lattice[d];
      if (byChannels_) {
        transposeGrad(gradAt, points.n, begin, end < rows_ ? end : rows_, gradCopy, end - begin);
        points.gradStep[1] = points.n[2] * (end - begin);
        points.gradStep[0] = points.n[1] * points.gradStep[1];
        if (across_) acrossTiles(image, gradCopy, begin, end, points, sums, b == first);
        else channelTiles(image, gradCopy, begin, end, points, sums, b == first);
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

  // A tile has one place of the kernel, and channels of the input: what reads padding is left out.
  void acrossTiles(const C* image, const C* grad, int64_t begin, int64_t end, const Points& all, C* sums, bool first) const {
    const int64_t places = taps_ / channels_, columns = int64_t(axes_[1].taps.size());
    std::vector<int64_t> offsets(static_cast<size_t>(channels_));
    for (int64_t c = 0; c < channels_; c++) offsets[size_t(c)] = c * layout_.channelPitch;
    for (int64_t c = begin; c < end; c += 2 * L) {
      const int v = end - c > L ? 2 : 1;
      const int64_t tiles = ceilDiv(channels_, v == 2 ? kPoints : kPointsSingle);
      for (int64_t place = 0; place < places; place++) {
        Points points = all;
        const C* x = image + layout_.offsets[size_t(place)];
        const C* g = grad + c - begin;
        const int64_t tap[2] = {place / columns, place % columns};
        for (int d = 0; d < 2; d++) {
          const TapRange inside = outputsInside(axes_[d], axes_[d].taps[size_t(tap[d])].delta);
          points.n[d] = inside.end - inside.begin;
          x += inside.begin * points.imageStep[d];
          g += inside.begin * points.gradStep[d];
        }
        for (int64_t t = 0; t < tiles; t++) {
          const int64_t k = t * channels_ / tiles, count = (t + 1) * channels_ / tiles - k;
          channelTileOf<C>(int(count), v)(x, offsets.data() + k, g, end - begin, points, sums + (k * places + place) * width_ + c,
                                          places * width_, first);
        }
      }
    }
  }
  // The outputs for which a tap reads no padding.
  static TapRange outputsInside(const Axis& a, int64_t delta) {
    TapRange r{0, a.count};
    while (r.begin < r.end && r.begin * a.step + delta < 0) r.begin++;
    while (r.end > r.begin && (r.end - 1) * a.step + delta >= a.size) r.end--;
    return r;
  }

  void rowTiles(const C* image, const C* grad, int64_t gradPitch, const Points& points, C* sums, bool first) const {
    const int64_t strips = ceilDiv(rows_, kWeightRows);
    for (int64_t s = 0; s < strips; s++) {
      const int64_t r = s * rows_ / strips, rows = (s + 1) * rows_ / strips - r, tiles = ceilDiv(taps_, weightTaps(int(rows)));
      for (int64_t t = 0; t < tiles; t++) {
        const int64_t k = t * taps_ / tiles, count = (t + 1) * taps_ / tiles - k;
        pickRowTile<C, kWeightRows>(int(rows), int(count))(image, layout_.offsets.data() + k, grad + r * gradPitch, gradPitch, points,
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
  WeightGradient(const Images& x, const Images& grad, const Images& out, Axis* axes, int64_t groups)
      : x_(x), grad_(grad), out_(out), axes_(axes), groups_(groups), channels_(out.sizes[1]), rows_(out.sizes[0] / groups) {}

  int run() {
    taps_ = channels_;
    for (int d = 0; d < 3; d++) taps_ *= int64_t(axes_[d].taps.size());
    if (!arrange()) return kOutOfMemory;
    choose();
    layout_.channels = channels_;
    // Rows are cut in boxes of whole vectors; only the last box of a row can be shorter than one.
    const int64_t lastBox = axes_[2].count - (boxes_[2] - 1) * layout_.box[2];
    const bool vectorRows = lastBox >= L;
    layout_.direct = across_ || (x_.dtype == kDTypeOf<C> && readableInPlace(axes_) && (byChannels_ || vectorRows));
    gradInPlace_ = !byChannels_ && grad_.dtype == kDTypeOf<C> && grad_.strides[4] == 1 && vectorRows;
    planTaps(axes_, layout_, across_ ? beside_.channelPitch : x_.strides[1], out_.strides[1], L);
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
  const Images x(xArg), grad(gradArg), out(outArg);
  if (out.empty()) return kOk;
  Axis axes[3];
  for (int d = 0; d < 3; d++) {
    Axis& a = axes[d];
    a = {x.sizes[d + 2], x.strides[d + 2], grad.sizes[d + 2], window.stride[d], 0, grad.strides[d + 2], {}};
    for (int64_t k = 0; k < out.sizes[d + 2]; k++)
      a.taps.push_back({k * window.dilation[d] - window.padding[d], k * out.strides[d + 2]});
  }
  mergeAxes(axes);
  switch (x.dtype) {
    case DType::f32:
    case DType::f16:
    case DType::bf16: return WeightGradient<float>(x, grad, out, axes, groups).run();
    case DType::f64: return WeightGradient<double>(x, grad, out, axes, groups).run();
    default: return kUnsupported;
  }
}

}  // namespace flambeau
