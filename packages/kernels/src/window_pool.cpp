// Max pooling over windows that may differ in size and lie anywhere: adaptive and fractional pooling.
#include <algorithm>
#include <vector>

#include "pool.hpp"

namespace flambeau {
namespace {

template <class T>
void windowPool(const Planes& x, const Planes& values, const Planes& indices, const TensorArg& table) {
  using C = Compute<T>;
  const int64_t bounds = values.sizes[0] + values.sizes[1] + values.sizes[2];
  const int64_t taps = x.area() / std::max(int64_t(1), values.area()) + 1;
  forRows(values, values.sizes[2] * taps * 2, [&](int64_t p, int64_t z, int64_t y) {
    // Bounds of plane p: starts and ends of all windows along each axis in turn.
    const int64_t* at = table.as<int64_t>() + (table.sizes[0] == 1 ? 0 : p) * 2 * bounds;
    const int64_t *deep = at + 2 * z, *high = at + 2 * (values.sizes[0] + y), *wide = at + 2 * (values.sizes[0] + values.sizes[1]);
    const T* in = reinterpret_cast<const T*>(x.data) + x.plane(p);
    T* row = reinterpret_cast<T*>(values.data) + values.plane(p) + z * values.strides[0] + y * values.strides[1];
    int64_t* rowAt = reinterpret_cast<int64_t*>(indices.data) + indices.plane(p) + z * indices.strides[0] + y * indices.strides[1];
    for (int64_t k = 0; k < values.sizes[2]; k++, wide += 2) {
      int64_t d0 = deep[0], h0 = high[0], w0 = wide[0], best = (d0 * x.sizes[1] + h0) * x.sizes[2] + w0;
      C largest = from<C>(in[d0 * x.strides[0] + h0 * x.strides[1] + w0 * x.strides[2]]);
      for (int64_t d = d0; d < deep[1]; d++)
        for (int64_t h = h0; h < high[1]; h++)
          for (int64_t w = w0; w < wide[1]; w++) {
            const C v = from<C>(in[d * x.strides[0] + h * x.strides[1] + w * x.strides[2]]);
            // A NaN wins over everything, the last of them; among equals the first wins.
            if (!(v > largest) && v == v) continue;
            largest = v;
            best = (d * x.sizes[1] + h) * x.sizes[2] + w;
          }
      row[k * values.strides[2]] = to<T>(largest);
      rowAt[k * indices.strides[2]] = best;
    }
  });
}

}  // namespace

// windowPool(x, values, indices, spatial, bounds): bounds are int64 [1 or planes, 2 · Σ sizes], start and end of every
// window along each axis in turn; each window holds an element
KERNEL(windowPool) {
  const TensorArg xArg = args.tensor(), valuesArg = args.tensor(), indicesArg = args.tensor();
  const int spatial = args.i32();
  const TensorArg table = args.tensor();
  if (valuesArg.numel() == 0) return kOk;
  const Planes x(xArg, spatial), values(valuesArg, spatial), indices(indicesArg, spatial);
  // Axes that are not there have one window of one element.
  const int64_t rows = table.sizes[0], listed = table.sizes[1] / 2;
  int64_t expected = 0;
  for (int d = 3 - spatial; d < 3; d++) expected += values.sizes[d];
  if (listed != expected || (rows != 1 && rows != values.count)) return kUnsupported;
  const int64_t missing = 3 - spatial, width = 2 * (listed + missing);
  std::vector<int64_t> bounds(size_t(rows * width));
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t d = 0; d < missing; d++) {
      bounds[size_t(r * width + 2 * d)] = 0;
      bounds[size_t(r * width + 2 * d + 1)] = 1;
    }
    const int64_t* given = table.as<int64_t>() + r * 2 * listed;
    int64_t* mine = bounds.data() + r * width + 2 * missing;
    for (int64_t i = 0, d = missing, end = values.sizes[missing]; i < listed; i++) {
      while (i >= end) end += values.sizes[++d];
      mine[2 * i] = given[2 * i];
      mine[2 * i + 1] = given[2 * i + 1];
      if (mine[2 * i] < 0 || mine[2 * i + 1] <= mine[2 * i] || mine[2 * i + 1] > x.sizes[d]) return kUnsupported;
    }
  }
  TensorArg all = table;
  all.data = reinterpret_cast<char*>(bounds.data());
  return dispatchFloat(x.dtype, [&](auto tag) {
    windowPool<decltype(tag)>(x, values, indices, all);
    return int(kOk);
  });
}

}  // namespace flambeau
