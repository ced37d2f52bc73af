// What the convolution kernels share: the geometry of a convolution as taps on a lattice, and the staging of images.
//
// Forward, and backward to the input, are one problem: every output point i of a lattice sums, over channels and taps,
// weight × source[i * step + delta]. A strided gradient is one such lattice for each residue of the output coordinates.
#pragma once
#include <atomic>
#include <cmath>
#include <vector>

#include "copy.hpp"
#include "kernel.hpp"
#include "scratch.hpp"

namespace flambeau {

constexpr int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return ceilDiv(a, b) * b; }
inline int64_t floorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }

// A tensor [N, C, *spatial] with its spatial dimensions padded in front to three.
struct Images {
  char* data;
  DType dtype;
  int64_t sizes[5], strides[5];

  explicit Images(const TensorArg& t) : data(t.data), dtype(t.dtype) {
    const int lead = 5 - t.ndim;
    for (int d = 0; d < 5; d++) {
      const int from = d < 2 ? d : d - lead;
      const bool missing = d >= 2 && from < 2;
      sizes[d] = missing ? 1 : t.sizes[from];
      strides[d] = missing ? 0 : t.strides[from];
    }
  }
  bool dense() const {
    int64_t expected = 1;
    for (int d = 4; d >= 1; d--) {
      if (sizes[d] != 1 && strides[d] != expected) return false;
      expected *= sizes[d];
    }
    return true;
  }
  bool empty() const { return !(sizes[0] && sizes[1] && sizes[2] && sizes[3] && sizes[4]); }
};

struct Window {
  int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

  explicit Window(Args& args) {
    for (int64_t* list : {stride, padding, dilation}) {
      int64_t given[kMaxDims];
      const int n = args.list(given);
      for (int d = 0; d < n; d++) list[3 - n + d] = given[d];
    }
  }
};

struct Tap {
  int64_t delta;   // source coordinate it reads for output 0
  int64_t weight;  // its offset in the weights
};

// One spatial axis of a lattice: `count` outputs, `step` apart in the source.
struct Axis {
  int64_t size, stride;       // of the source
  int64_t count, step;        // of the outputs
  int64_t outBase, outStride;  // of the destination
  std::vector<Tap> taps;
};

// An axis that is read whole by a single tap is part of the axis outside it: 1×1 convolutions see one long row.
inline void mergeAxes(Axis* axes) {
  for (int d = 1; d >= 0; d--) {
    Axis &outer = axes[d], &inner = axes[2];
    const bool whole = inner.taps.size() == 1 && inner.taps[0].delta == 0 && inner.step == 1 && inner.count == inner.size;
    if (!whole || outer.step != 1 || outer.stride != inner.size * inner.stride ||
        outer.outStride != inner.count * inner.outStride)
      return;
    const int64_t width = inner.size;
    Axis merged{outer.size * width, inner.stride, outer.count * width, 1, inner.outBase + outer.outBase, inner.outStride, {}};
    for (const Tap& t : outer.taps) merged.taps.push_back({t.delta * width, t.weight + inner.taps[0].weight});
    axes[2] = merged;
    axes[d] = Axis{1, 0, 1, 1, 0, 0, {Tap{0, 0}}};
  }
}

// Where the values of a source lie for the inner loops: value(c, tap, i) = base[offset[c, tap] + i·lattice], with the
// points of a row next to each other. Either the tensor itself or a padded copy split by the residues of the step.
struct Layout {
  bool direct;
  int64_t channels;
  int64_t box[3];      // lattice points staged at a time
  int64_t lattice[3];  // elements from one lattice point to the next; the last is 1
  int64_t channelPitch, size;
  // The copy: coordinate = (j * step) + low + phase for staged index j of the plane of that phase.
  int64_t low[3], reach[3], extent[3], planePitch[3];
  std::vector<int64_t> phases[3];
  std::vector<int64_t> offsets, weights;  // over (channel, tap)
};

template <class C> constexpr DType kDTypeOf = sizeof(C) == 4 ? DType::f32 : DType::f64;

// Fills in what follows from the axes, the box and `direct`. Rows of the copy are long enough to read `rowMultiple` points at a
// time. Taps are numbered by channel and then by axis, or by the last axis, the first, the second, and then by channel.
inline void planTaps(const Axis* axes, Layout& l, int64_t channelStride, int64_t weightChannelStride, int64_t rowMultiple,
                     bool channelsLast = false) {
  std::vector<int64_t> shift[3];
  int64_t phaseStride[3], rowPitch[3];
  for (int d = 0; d < 3; d++) {
    const Axis& a = axes[d];
    l.low[d] = a.taps.empty() ? 0 : a.taps[0].delta;
    for (const Tap& t : a.taps) l.low[d] = t.delta < l.low[d] ? t.delta : l.low[d];
    l.phases[d].clear();
  }
  std::vector<int64_t> slot[3];
  for (int d = 0; d < 3; d++) {
    l.reach[d] = 0;
    for (const Tap& t : axes[d].taps) {
      const int64_t e = t.delta - l.low[d], f = e / axes[d].step, phase = e % axes[d].step;
      l.reach[d] = f > l.reach[d] ? f : l.reach[d];
      size_t s = 0;
      while (s < l.phases[d].size() && l.phases[d][s] != phase) s++;
      if (s == l.phases[d].size()) l.phases[d].push_back(phase);
      shift[d].push_back(f);
      slot[d].push_back(int64_t(s));
    }
    l.extent[d] = (d == 2 ? roundUp(l.box[d], rowMultiple) : l.box[d]) + l.reach[d];
  }
  const int64_t plane = l.extent[0] * l.extent[1] * l.extent[2];
  phaseStride[2] = plane;
  phaseStride[1] = plane * int64_t(l.phases[2].size());
  phaseStride[0] = phaseStride[1] * int64_t(l.phases[1].size());
  rowPitch[2] = 1;
  rowPitch[1] = l.extent[2];
  rowPitch[0] = l.extent[2] * l.extent[1];
  // An odd number of cache lines, so that channels do not fall on the same cache sets.
  const int64_t lines = ceilDiv(phaseStride[0] * int64_t(l.phases[0].size()), 16);
  l.channelPitch = l.direct ? channelStride : (lines | 1) * 16;
  l.size = l.channelPitch * l.channels + 64;
  for (int d = 0; d < 3; d++) {
    l.lattice[d] = l.direct ? axes[d].stride * axes[d].step : rowPitch[d];
    l.planePitch[d] = phaseStride[d];
  }
  l.lattice[2] = 1;
  l.offsets.clear();
  l.weights.clear();
  const auto add = [&](int64_t c, size_t i, size_t j, size_t k) {
    const size_t at[3] = {i, j, k};
    int64_t offset = c * l.channelPitch, weight = c * weightChannelStride;
    for (int d = 0; d < 3; d++) {
      weight += axes[d].taps[at[d]].weight;
      offset += l.direct ? axes[d].taps[at[d]].delta * axes[d].stride
                         : slot[d][at[d]] * phaseStride[d] + shift[d][at[d]] * rowPitch[d];
    }
    l.offsets.push_back(offset);
    l.weights.push_back(weight);
  };
  const size_t ni = axes[0].taps.size(), nj = axes[1].taps.size(), nk = axes[2].taps.size();
  if (channelsLast) {
    for (size_t k = 0; k < nk; k++)
      for (size_t i = 0; i < ni; i++)
        for (size_t j = 0; j < nj; j++)
          for (int64_t c = 0; c < l.channels; c++) add(c, i, j, k);
  } else {
    for (int64_t c = 0; c < l.channels; c++)
      for (size_t i = 0; i < ni; i++)
        for (size_t j = 0; j < nj; j++)
          for (size_t k = 0; k < nk; k++) add(c, i, j, k);
  }
}

// The taps of an output that read no padding. Taps follow each other in the source in one direction or the other, so that
// these are a range.
struct TapRange {
  int64_t begin, end;
};
inline TapRange tapsInside(const Axis& a, int64_t output) {
  TapRange r{0, int64_t(a.taps.size())};
  const auto inside = [&](int64_t t) {
    const int64_t at = output * a.step + a.taps[size_t(t)].delta;
    return at >= 0 && at < a.size;
  };
  while (r.begin < r.end && !inside(r.begin)) r.begin++;
  while (r.end > r.begin && !inside(r.end - 1)) r.end--;
  return r;
}

// Elements a staged box takes, to choose its size.
inline int64_t stagedSize(const Axis* axes, const int64_t* box, int64_t channels) {
  int64_t size = channels;
  for (int d = 0; d < 3; d++) {
    int64_t low = 0, high = 0;
    for (const Tap& t : axes[d].taps) {
      low = t.delta < low ? t.delta : low;
      high = t.delta > high ? t.delta : high;
    }
    const int64_t step = axes[d].step, taps = int64_t(axes[d].taps.size());
    size *= (box[d] + (high - low) / step) * (taps < step ? taps : step);
  }
  return size;
}

// Cuts the outermost axis that can be cut in two; false if there is none.
inline bool halveBox(int64_t* box, int64_t minWidth) {
  for (int d = 0; d < 3; d++) {
    if (box[d] < 2 || (d == 2 && box[d] < 2 * minWidth)) continue;
    box[d] = d == 2 ? roundUp(ceilDiv(box[d], 2), minWidth) : ceilDiv(box[d], 2);
    return true;
  }
  return false;
}

// True where every tap of every output lies inside the source and rows are dense: no copy is needed.
inline bool readableInPlace(const Axis* axes) {
  for (int d = 0; d < 3; d++)
    for (const Tap& t : axes[d].taps)
      if (t.delta < 0 || (axes[d].count - 1) * axes[d].step + t.delta >= axes[d].size) return false;
  return axes[2].count == 1 || axes[2].step * axes[2].stride == 1;
}

template <class C, class T>
void stageAs(const Axis* axes, const Layout& l, const T* image, int64_t channelStride, const int64_t* lo, const int64_t* n,
             C* out) {
  // Rows of the copy: valid columns come from the source, those around them are the zeros of the padding.
  int64_t span[2] = {n[0] + l.reach[0], n[1] + l.reach[1]};
  const int64_t width = l.extent[2], step = axes[2].step, stride = axes[2].stride * step;
  for (int64_t c = 0; c < l.channels; c++)
    for (size_t pd = 0; pd < l.phases[0].size(); pd++)
      for (size_t ph = 0; ph < l.phases[1].size(); ph++)
        for (size_t pw = 0; pw < l.phases[2].size(); pw++) {
          C* plane = out + c * l.channelPitch + int64_t(pd) * l.planePitch[0] + int64_t(ph) * l.planePitch[1] +
                     int64_t(pw) * l.planePitch[2];
          const T* channel = image + c * channelStride;
          const int64_t w0 = lo[2] * step + l.low[2] + l.phases[2][pw];
          int64_t begin = w0 >= 0 ? 0 : ceilDiv(-w0, step);
          int64_t end = w0 >= axes[2].size ? 0 : ceilDiv(axes[2].size - w0, step);
          const int64_t used = n[2] + l.reach[2];
          end = end > used ? used : end;
          begin = begin > end ? end : begin;
          bool padded = begin > 0 || end < width;
          for (int64_t j = 0; j < span[1] && !padded; j += span[1] > 1 ? span[1] - 1 : 1) {
            const int64_t y = (lo[1] + j) * axes[1].step + l.low[1] + l.phases[1][ph];
            padded = y < 0 || y >= axes[1].size;
          }
          const T* column = channel + (w0 + begin * step) * axes[2].stride;
          const auto rowInside = [&](int d, int64_t j, int64_t phase) {
            const int64_t at = (lo[d] + j) * axes[d].step + l.low[d] + phase;
            return at >= 0 && at < axes[d].size ? at : -1;
          };
          for (int64_t i = 0; i < span[0]; i++) {
            const int64_t z = rowInside(0, i, l.phases[0][pd]);
            C* row = plane + i * l.extent[1] * width;
            // Clearing all and then copying what is inside beats clearing the borders of short rows one by one.
            if (padded || z < 0) std::memset(row, 0, size_t(span[1] * width) * sizeof(C));
            if (z < 0) continue;
            for (int64_t j = 0; j < span[1]; j++, row += width) {
              const int64_t y = rowInside(1, j, l.phases[1][ph]);
              if (y < 0) continue;
              const T* source = column + z * axes[0].stride + y * axes[1].stride;
              if constexpr (sizeof(T) == sizeof(C)) {
                if (stride == 1) copyRow(row + begin, source, end - begin);
                else if (stride == 2) gatherPairs(row + begin, source, end - begin);
                else
                  for (int64_t k = begin; k < end; k++) row[k] = source[(k - begin) * stride];
              } else {
                for (int64_t k = begin; k < end; k++) row[k] = from<C>(source[(k - begin) * stride]);
              }
            }
          }
        }
}

// Copies the lattice box [lo, lo + n) of the channels of one image so that every tap is a plain offset.
template <class C>
void stage(const Axis* axes, const Layout& l, const char* image, DType dtype, int64_t channelStride, const int64_t* lo,
           const int64_t* n, C* out) {
  if constexpr (sizeof(C) == 8) {
    stageAs(axes, l, reinterpret_cast<const double*>(image), channelStride, lo, n, out);
  } else {
    if (dtype == DType::f32) stageAs(axes, l, reinterpret_cast<const float*>(image), channelStride, lo, n, out);
    else if (dtype == DType::f16) stageAs(axes, l, reinterpret_cast<const Half*>(image), channelStride, lo, n, out);
    else stageAs(axes, l, reinterpret_cast<const BFloat16*>(image), channelStride, lo, n, out);
  }
}

struct Weights {
  const char* data;
  DType dtype;
  int64_t rowStride, channelStride, groupStride;
};

struct Problem {
  Images source, out;
  int64_t groups, channels, rows;  // of the source and of the output, a group
  Weights weights;
  const TensorArg* bias;
  Axis axes[3];
};

template <class C> C element(const char* data, DType dtype, int64_t i) {
  if constexpr (sizeof(C) == 8) return reinterpret_cast<const double*>(data)[i];
  else if (dtype == DType::f32) return reinterpret_cast<const float*>(data)[i];
  else if (dtype == DType::f16) return float(reinterpret_cast<const Half*>(data)[i]);
  else return float(reinterpret_cast<const BFloat16*>(data)[i]);
}

// Solves small images by the vector, an image a lane, if that is less work than the other way; false if it is not.
template <class C> bool solveBatched(const Problem& p, int& status);

}  // namespace flambeau
