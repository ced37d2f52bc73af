// Planes rearranged along each of their axes: padding by mirroring or repeating, and enlarging by the nearest neighbour.
#include <algorithm>
#include <vector>

#include "copy.hpp"
#include "pool.hpp"

namespace flambeau {
namespace {

// Where along each axis of the source every index of the target lies.
struct Places {
  std::vector<int64_t> at[3];
  bool valid = true;

  Places(const TensorArg& table, const Planes& source, const Planes& target, int spatial) {
    const int64_t* next = table.as<int64_t>();
    for (int d = 0; d < 3; d++) {
      for (int64_t i = 0; i < target.sizes[d]; i++) {
        const int64_t place = d < 3 - spatial ? 0 : *next++;
        valid = valid && place >= 0 && place < source.sizes[d];
        at[d].push_back(place);
      }
    }
  }
};

// Columns that are neighbours in the source too are copied as one run.
struct Run {
  int64_t start, length, source;
};
inline std::vector<Run> runsOf(const std::vector<int64_t>& columns) {
  std::vector<Run> runs;
  for (int64_t i = 0; i < int64_t(columns.size()); i++) {
    const int64_t source = columns[size_t(i)];
    if (!runs.empty() && runs.back().source + runs.back().length == source) runs.back().length++;
    else runs.push_back({i, 1, source});
  }
  return runs;
}

// How often each column is repeated where all are, in order: enlarging by a whole number. 0 otherwise.
inline int64_t repeats(const std::vector<int64_t>& columns, int64_t width) {
  const int64_t n = int64_t(columns.size());
  if (width == 0 || n % width != 0 || n == width) return 0;
  for (int64_t i = 0; i < n; i++)
    if (columns[size_t(i)] != i / (n / width)) return 0;
  return n / width;
}

template <class T> void remap(const Planes& x, const Planes& out, const Places& places) {
  const std::vector<int64_t>& columns = places.at[2];
  const std::vector<Run> runs = runsOf(columns);
  const int64_t width = out.sizes[2];
  const bool unit = x.strides[2] == 1 && out.strides[2] == 1;
  const bool inRuns = unit && int64_t(runs.size()) * 4 <= width;
  forRows(out, width * 2, [&](int64_t p, int64_t z, int64_t y) {
    const T* from = reinterpret_cast<const T*>(x.data) + x.plane(p) + places.at[0][size_t(z)] * x.strides[0] +
                    places.at[1][size_t(y)] * x.strides[1];
    T* row = reinterpret_cast<T*>(out.data) + out.plane(p) + z * out.strides[0] + y * out.strides[1];
    if (inRuns)
      for (const Run& run : runs) copyRow(row + run.start, from + run.source, run.length);
    else if (unit)
      for (int64_t i = 0; i < width; i++) row[i] = from[columns[size_t(i)]];
    else
      for (int64_t i = 0; i < width; i++) row[i * out.strides[2]] = from[columns[size_t(i)] * x.strides[2]];
  });
}

template <class T> bool remapAdd(const Planes& grad, const Planes& out, const Places& places) {
  using C = Compute<T>;
  const std::vector<int64_t>& columns = places.at[2];
  const std::vector<Run> runs = runsOf(columns);
  const int64_t width = grad.sizes[2], step = grad.strides[2];
  const bool inRuns = step == 1 && int64_t(runs.size()) * 4 <= width;
  const int64_t times = step == 1 ? repeats(columns, out.sizes[2]) : 0;
  return accumulatePlanes<T>(out, grad.area(), [&](int64_t p, C* sums) {
    for (int64_t z = 0; z < grad.sizes[0]; z++)
      for (int64_t y = 0; y < grad.sizes[1]; y++) {
        const T* row = reinterpret_cast<const T*>(grad.data) + grad.plane(p) + z * grad.strides[0] + y * grad.strides[1];
        C* target = sums + (places.at[0][size_t(z)] * out.sizes[1] + places.at[1][size_t(y)]) * out.sizes[2];
        if (times == 2) {
          for (int64_t i = 0; i < out.sizes[2]; i++) target[i] += from<C>(row[2 * i]) + from<C>(row[2 * i + 1]);
        } else if (times > 0) {
          for (int64_t i = 0; i < out.sizes[2]; i++) {
            C sum = C(0);
            for (int64_t t = 0; t < times; t++) sum += from<C>(row[i * times + t]);
            target[i] += sum;
          }
        } else if (inRuns) {
          for (const Run& run : runs)
            for (int64_t i = 0; i < run.length; i++) target[run.source + i] += from<C>(row[run.start + i]);
        } else {
          for (int64_t i = 0; i < width; i++) target[columns[size_t(i)]] += from<C>(row[i * step]);
        }
      }
  });
}

}  // namespace

// remap(x, out, spatial, places): along each of the last dimensions out[i] = x[places[i]]; places: one after the other, int64
KERNEL(remap) {
  const TensorArg xArg = args.tensor(), outArg = args.tensor();
  const int spatial = args.i32();
  const TensorArg table = args.tensor();
  const Planes x(xArg, spatial), out(outArg, spatial);
  if (outArg.numel() == 0) return kOk;
  const Places places(table, x, out, spatial);
  if (!places.valid) return kUnsupported;
  switch (itemSize(x.dtype)) {
    case 1: remap<uint8_t>(x, out, places); break;
    case 2: remap<uint16_t>(x, out, places); break;
    case 4: remap<uint32_t>(x, out, places); break;
    default: remap<uint64_t>(x, out, places);
  }
  return kOk;
}

// remapAdd(grad, gradX, spatial, places): gradX = 0, then gradX[places[i]] += grad[i]
KERNEL(remapAdd) {
  const TensorArg gradArg = args.tensor(), outArg = args.tensor();
  const int spatial = args.i32();
  const TensorArg table = args.tensor();
  const Planes grad(gradArg, spatial), out(outArg, spatial);
  if (outArg.numel() == 0) return kOk;
  const Places places(table, out, grad, spatial);
  if (!places.valid) return kUnsupported;
  return dispatchFloat(out.dtype, [&](auto tag) { return remapAdd<decltype(tag)>(grad, out, places) ? int(kOk) : int(kOutOfMemory); });
}

}  // namespace flambeau
