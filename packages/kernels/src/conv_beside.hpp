// Small images laid side by side, so that vectors and tiles need not end where the short row of an image does.
#pragma once
#include "conv.hpp"
#include "transpose.hpp"

namespace flambeau {

// Small images side by side: for each chunk of images, channels × pixels × images of the chunk, or pixels × channels × images.
// The row of a tile is then the same point of many images, and no tap of it reads padding unless all do.
template <class C> class SideBySide {
  static constexpr int L = kLanes<C>;
  Scratch memory_;
  C* data_ = nullptr;
  int64_t chunkPitch_ = 0, pixelPitch_ = 0;

 public:
  int64_t chunk = 0, channelPitch = 0;

  // Whether rows are short enough, and enough of the image is read, to make it worth the copy.
  static bool fits(const Images& x, const Axis* axes, int64_t longest) {
    const Axis &a = axes[0], &y = axes[1], &z = axes[2];
    const bool plane = a.size == 1 && a.count == 1 && a.taps.size() == 1 && a.taps[0].delta == 0;
    if (int64_t(y.taps.size()) < y.step || int64_t(z.taps.size()) < z.step) return false;
    return plane && x.dtype == kDTypeOf<C> && z.stride == 1 && y.stride == z.size && x.sizes[0] >= 8 && z.count <= longest &&
           y.count <= 16 && y.size * z.size <= 1024;
  }

  // Copies all images, `most` to a chunk, and makes them the last axis; false if out of memory. Inner loops over channels want
  // these next to each other rather than a page apart.
  bool copy(Images& x, Axis* axes, int64_t outStride, int64_t most, bool overChannels) {
    const int64_t n = x.sizes[0], pixels = axes[1].size * axes[2].size;
    const int64_t channels = x.sizes[1], chunks = ceilDiv(n, most);
    chunk = ceilDiv(n, chunks);
    // An odd number of cache lines, so that they do not fall on the same cache sets.
    const bool inner = overChannels && pixels * chunk * int64_t(sizeof(C)) >= 4096;
    const auto spread = [](int64_t size) { return (ceilDiv(size, 16) | 1) * 16; };
    channelPitch = inner ? chunk : spread(pixels * chunk);
    pixelPitch_ = inner ? spread(channels * chunk) : chunk;
    chunkPitch_ = inner ? pixels * pixelPitch_ : channels * channelPitch;
    data_ = memory_.get<C>(chunks * chunkPitch_);
    if (!data_) return false;
    parallelFor(chunks * channels, 16384 / (pixels * chunk) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t c = i % channels, first = i / channels * chunk;
        const C* source = reinterpret_cast<const C*>(x.data) + first * x.strides[0] + c * x.strides[1];
        interleave(source, x.strides[0], n - first < chunk ? n - first : chunk, pixels, data_ + i / channels * chunkPitch_ + c * channelPitch);
      }
    });
    const Tap only{0, axes[0].taps[0].weight};
    const int64_t outBase = axes[0].outBase;
    axes[0] = axes[1];
    axes[1] = axes[2];
    axes[0].stride = axes[1].size * pixelPitch_;
    axes[1].stride = pixelPitch_;
    axes[2] = {n, 1, n, 1, outBase, outStride, {only}};
    x.sizes[0] = 1;
    return true;
  }
  const C* at(int64_t image, int64_t channel) const { return data_ + image / chunk * chunkPitch_ + channel * channelPitch; }

 private:
  void interleave(const C* source, int64_t pitch, int64_t count, int64_t pixels, C* out) const {
    C square[L * L];
    for (int64_t k = 0; k < count; k += L)
      for (int64_t i = 0; i < pixels; i += L) {
        const int64_t images = count - k < L ? count - k : L, from = i + L > pixels ? pixels - L : i;
        if (pixels < L) {
          for (int64_t j = 0; j < pixels; j++)
            for (int64_t r = 0; r < images; r++) out[j * pixelPitch_ + k + r] = source[(k + r) * pitch + j];
        } else if (images == L) {
          transposeBlock(source + k * pitch + from, pitch, out + from * pixelPitch_ + k, pixelPitch_, L);
        } else {
          for (int64_t r = 0; r < images; r++) store(square + r * L, load(source + (k + r) * pitch + from));
          transposeBlock(square, L, square, L, L);
          for (int64_t j = 0; j < L; j++) copyRow(out + (from + j) * pixelPitch_ + k, square + j * L, images);
        }
      }
  }
};

}  // namespace flambeau
