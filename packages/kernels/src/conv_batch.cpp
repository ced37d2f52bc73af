// Convolution of many small images, an image a lane: every output point then sums the taps it really has. Where rows are
// vectors, small images waste what hangs over at the end of a row and what is multiplied with the zeros of the padding.
#include <utility>

#include "conv.hpp"
#include "conv_tile.hpp"
#include "transpose.hpp"

namespace flambeau {
namespace {

// The taps of one output: for each of `count` runs, `length` from run + first on.
struct TapRuns {
  const int64_t* run;
  int64_t count, first, length;
};

template <class C>
using BatchTile = void (*)(const C* w, const int64_t* offsets, const TapRuns& runs, const C* x, const C* bias, C* out, int64_t outPitch);

// out[r] = bias[r] + Σ_k w[k][r] · x[offsets[k]], two vectors of images at a time.
template <class C, int R>
void batchTile(const C* w, const int64_t* offsets, const TapRuns& runs, const C* x, const C* bias, C* out, int64_t outPitch) {
  constexpr int L = kLanes<C>;
  Vec<C> acc[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = splat(bias[r]);
  for (int64_t i = 0; i < runs.count; i++) {
    const int64_t first = runs.run[i] + runs.first, last = first + runs.length;
    const C* wk = w + first * R;
    for (int64_t k = first; k < last; k++, wk += R) {
      const C* p = x + offsets[k];
      const Vec<C> a = load(p), b = load(p + L);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) {
        const Vec<C> wr = splat(wk[r]);
        acc[r][0] += wr * a;
        acc[r][1] += wr * b;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
    store(out + r * outPitch, acc[r][0]);
    store(out + r * outPitch + L, acc[r][1]);
  }
}

template <class C, size_t... R> BatchTile<C> pickBatchTile(int64_t r, std::index_sequence<R...>) {
  static constexpr BatchTile<C> tiles[] = {batchTile<C, int(R) + 1>...};
  return tiles[r - 1];
}

template <class C> class BatchEngine {
  static constexpr int L = kLanes<C>;
  static constexpr int64_t kImages = 2 * L;

  const Problem& p_;
  int64_t pixels_, points_, spatialTaps_;   // of a plane of the source, of the output, of a channel
  int64_t sourcePitch_, outPitch_;          // from channel to channel
  int64_t batches_, blocks_;
  std::vector<TapRange> inside_[3];  // the taps of each output of an axis
  std::vector<int64_t> offsets_;     // over (tap, channel)
  Scratch memory_;
  C *source_, *out_, *weights_, *bias_;

  // In vector operations an image: the products, transposing there and back, and packing the weights.
  bool worthwhile() const {
    const int64_t n = p_.source.sizes[0], taps = spatialTaps_ * p_.channels;
    const int64_t width = p_.axes[2].count, rows = p_.axes[0].count * p_.axes[1].count;
    const double byChannels = double(ceilDiv(p_.rows, L) * points_ * taps), byRows = double(p_.rows * rows * ceilDiv(width, L) * taps);
    double valid = double(p_.rows * p_.channels);
    for (int d = 0; d < 3; d++) {
      int64_t sum = 0;
      for (const TapRange& r : inside_[d]) sum += r.end - r.begin;
      valid *= double(sum);
    }
    const double lanes = double(batches_ * kImages) / double(n) / L;
    const double moved = double(p_.channels * pixels_ + p_.rows * points_) * 8 + double(p_.rows * taps) * 2 * L / double(n);
    return (valid * 1.1 + moved) * lanes < (byChannels < byRows ? byChannels : byRows);
  }

  void pack() {
    const Weights& w = p_.weights;
    const int64_t taps = spatialTaps_ * p_.channels;
    const C* data = reinterpret_cast<const C*>(w.data);
    for (const Tap& z : p_.axes[0].taps)
      for (const Tap& y : p_.axes[1].taps)
        for (const Tap& x : p_.axes[2].taps)
          for (int64_t c = 0; c < p_.channels; c++)
            offsets_.push_back(((z.delta * p_.axes[1].size + y.delta) * p_.axes[2].size + x.delta) * kImages + c * sourcePitch_);
    C* out = weights_;
    for (int64_t g = 0; g < p_.groups; g++)
      for (int64_t b = 0; b < blocks_; b++)
        for (const Tap& z : p_.axes[0].taps)
          for (const Tap& y : p_.axes[1].taps)
            for (const Tap& x : p_.axes[2].taps) {
              const C* at = data + g * w.groupStride + z.weight + y.weight + x.weight;
              for (int64_t c = 0; c < p_.channels; c++)
                for (int64_t r = blockBegin(b); r < blockBegin(b + 1); r++) *out++ = at[r * w.rowStride + c * w.channelStride];
            }
    bias_ = weights_ + p_.groups * p_.rows * taps;
    for (int64_t r = 0; r < p_.groups * p_.rows; r++)
      bias_[r] = p_.bias ? element<C>(p_.bias->data, p_.bias->dtype, r * p_.bias->strides[0]) : C(0);
  }
  int64_t blockBegin(int64_t b) const { return b * p_.rows / blocks_; }

  // One channel of the images of a batch, from images × pixels to pixels × images.
  void stage(int64_t batch, int64_t channel) {
    const Images& s = p_.source;
    const int64_t left = s.sizes[0] - batch * kImages;
    const C* in = reinterpret_cast<const C*>(s.data) + batch * kImages * s.strides[0] + channel * s.strides[1];
    C* out = source_ + (batch * s.sizes[1] + channel) * sourcePitch_;
    for (int64_t v = 0; v < kImages; v += L, in += L * s.strides[0], out += L) {
      if (pixels_ >= L && left - v >= L) {
        for (int64_t i = 0; i < pixels_; i += L) {
          const int64_t at = i + L > pixels_ ? pixels_ - L : i;
          transposeBlock(in + at, s.strides[0], out + at * kImages, kImages, L);
        }
        continue;
      }
      for (int64_t i = 0; i < pixels_; i++)
        for (int64_t n = 0; n < L; n++) out[i * kImages + n] = v + n < left ? in[n * s.strides[0] + i] : C(0);
    }
  }

  // And one channel of the output back.
  void unstage(int64_t batch, int64_t channel) const {
    const Images& o = p_.out;
    const int64_t left = o.sizes[0] - batch * kImages;
    const C* in = out_ + (batch * o.sizes[1] + channel) * outPitch_;
    C* out = reinterpret_cast<C*>(o.data) + batch * kImages * o.strides[0] + channel * o.strides[1];
    for (int64_t v = 0; v < kImages && v < left; v += L, in += L, out += L * o.strides[0]) {
      const int64_t some = left - v < L ? left - v : L;
      if (points_ >= L) {
        for (int64_t i = 0; i < points_; i += L) {
          const int64_t at = i + L > points_ ? points_ - L : i;
          transposeBlock(in + at * kImages, kImages, out + at, o.strides[0], some);
        }
        continue;
      }
      for (int64_t n = 0; n < some; n++)
        for (int64_t i = 0; i < points_; i++) out[n * o.strides[0] + i] = in[i * kImages + n];
    }
  }

  // A row of outputs of a batch, for a block of output channels.
  void row(int64_t batch, int64_t group, int64_t block, int64_t z, int64_t y, int64_t* run) const {
    const Axis* a = p_.axes;
    const int64_t nx = int64_t(a[2].taps.size()), ny = int64_t(a[1].taps.size()), channels = p_.channels;
    const int64_t r = blockBegin(block), rows = blockBegin(block + 1) - r, first = group * p_.rows + r;
    TapRuns runs{run, 0, 0, 0};
    const TapRange &zs = inside_[0][size_t(z)], &ys = inside_[1][size_t(y)];
    for (int64_t k = zs.begin; k < zs.end; k++)
      for (int64_t j = ys.begin; j < ys.end; j++) run[runs.count++] = (k * ny + j) * nx * channels;
    const C* x = source_ + (batch * p_.groups + group) * channels * sourcePitch_ +
                 (z * a[0].step * a[1].size + y * a[1].step) * a[2].size * kImages;
    const C* w = weights_ + first * spatialTaps_ * channels;
    C* out = out_ + (batch * p_.groups * p_.rows + first) * outPitch_ + (z * a[1].count + y) * a[2].count * kImages;
    const BatchTile<C> tile = pickBatchTile<C>(rows, std::make_index_sequence<kRows>{});
    for (int64_t i = 0; i < a[2].count; i++, x += a[2].step * kImages, out += kImages) {
      const TapRange& xs = inside_[2][size_t(i)];
      runs.first = xs.begin * channels;
      runs.length = (xs.end - xs.begin) * channels;
      tile(w, offsets_.data(), runs, x, bias_ + first, out, outPitch_);
    }
  }

 public:
  explicit BatchEngine(const Problem& p) : p_(p) {}

  bool run(int& status) {
    const Images &s = p_.source, &o = p_.out;
    const Axis* a = p_.axes;
    if (s.sizes[0] < L || s.dtype != o.dtype || s.dtype != p_.weights.dtype || !s.dense() || !o.dense()) return false;
    pixels_ = points_ = spatialTaps_ = 1;
    for (int d = 0; d < 3; d++) {
      if (a[d].count != o.sizes[d + 2]) return false;
      pixels_ *= a[d].size;
      points_ *= a[d].count;
      spatialTaps_ *= int64_t(a[d].taps.size());
    }
    batches_ = ceilDiv(s.sizes[0], kImages);
    blocks_ = ceilDiv(p_.rows, kRows);
    // A line more than a channel takes keeps the channels of a point off the same cache sets.
    sourcePitch_ = pixels_ * kImages + L;
    outPitch_ = points_ * kImages + L;
    if ((p_.channels * sourcePitch_ + p_.rows * outPitch_) * int64_t(sizeof(C)) > (768 << 10)) return false;
    for (int d = 0; d < 3; d++)
      for (int64_t i = 0; i < a[d].count; i++) inside_[d].push_back(tapsInside(a[d], i));
    if (!worthwhile()) return false;
    const int64_t taps = spatialTaps_ * p_.channels;
    const int64_t sourceSize = batches_ * s.sizes[1] * sourcePitch_, outSize = batches_ * o.sizes[1] * outPitch_;
    source_ = memory_.get<C>(sourceSize + outSize + o.sizes[1] * (taps + 1));
    if (!source_) {
      status = kOutOfMemory;
      return true;
    }
    out_ = source_ + sourceSize;
    weights_ = out_ + outSize;
    pack();
    parallelFor(batches_ * s.sizes[1], 16384 / (pixels_ * 16 + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) stage(i / s.sizes[1], i % s.sizes[1]);
    });
    const int64_t lines = a[0].count * a[1].count, cost = ceilDiv(p_.rows, blocks_) * 2 * taps * a[2].count;
    const int64_t yTaps = int64_t(a[0].taps.size() * a[1].taps.size());
    parallelFor(batches_ * p_.groups * blocks_ * lines, 65536 / (cost + 1), [&](int64_t begin, int64_t end) {
      std::vector<int64_t> run(static_cast<size_t>(yTaps + 1));
      for (int64_t i = begin; i < end; i++) {
        const int64_t line = i % lines, b = i / lines % blocks_, rest = i / lines / blocks_;
        row(rest / p_.groups, rest % p_.groups, b, line / a[1].count, line % a[1].count, run.data());
      }
    });
    parallelFor(batches_ * o.sizes[1], 16384 / (points_ * 16 + 1), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) unstage(i / o.sizes[1], i % o.sizes[1]);
    });
    return true;
  }
};

}  // namespace

template <class C> bool solveBatched(const Problem& p, int& status) { return BatchEngine<C>(p).run(status); }
template bool solveBatched<float>(const Problem&, int&);
template bool solveBatched<double>(const Problem&, int&);

}  // namespace flambeau
