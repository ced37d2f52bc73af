// Rows and columns of planes replaced by weighted sums of neighbours: linear and cubic interpolation and their gradients.
#include <algorithm>
#include <atomic>
#include <vector>

#include "pool.hpp"
#include "strided.hpp"

namespace flambeau {
namespace {

// One sum for every index of an axis: count weights for the source's elements from start on.
template <class C> struct Sums {
  int64_t size = 0, width = 0, even = 0;
  std::vector<int64_t> start, count;
  std::vector<C> weights;       // [size, width]
  std::vector<C> byTap;         // [width, size]
  int64_t begin = 0, end = 0;   // the longest run of indices with `even` weights each

  // The table's rows are start, count, weights…
  bool read(const TensorArg& table, int64_t source, int64_t target) {
    size = target;
    width = table.sizes[1] - 2;
    if (table.sizes[0] != target) return false;
    for (int64_t i = 0; i < size; i++) {
      const double* row = table.as<double>() + i * (width + 2);
      start.push_back(int64_t(row[0]));
      count.push_back(int64_t(row[1]));
      if (start.back() < 0 || count.back() < 0 || count.back() > width || start.back() + count.back() > source) return false;
      for (int64_t t = 0; t < width; t++) weights.push_back(C(row[2 + t]));
    }
    byTap.resize(size_t(size * width));
    for (int64_t i = 0; i < size; i++)
      for (int64_t t = 0; t < width; t++) byTap[size_t(t * size + i)] = weights[size_t(i * width + t)];
    for (int64_t i = 0; i < size;) {
      int64_t j = i;
      while (j < size && count[size_t(j)] == count[size_t(i)]) j++;
      if (j - i > end - begin) {
        begin = i;
        end = j;
        even = count[size_t(i)];
      }
      i = j;
    }
    return true;
  }
};

// to[i] = the i-th sum of a row
template <class C> void sumRow(const Sums<C>& sums, const C* row, C* to) {
  const auto one = [&](int64_t i) {
    const C* w = sums.weights.data() + i * sums.width;
    const C* x = row + sums.start[size_t(i)];
    C total = C(0);
    for (int64_t t = 0; t < sums.count[size_t(i)]; t++) total += w[t] * x[t];
    to[i] = total;
  };
  const int64_t* start = sums.start.data();
  for (int64_t i = 0; i < sums.begin; i++) one(i);
  if (sums.even == 2) {
    const C *w0 = sums.byTap.data(), *w1 = w0 + sums.size;
    for (int64_t i = sums.begin; i < sums.end; i++) to[i] = w0[i] * row[start[i]] + w1[i] * row[start[i] + 1];
  } else if (sums.even == 4) {
    const C *w0 = sums.byTap.data(), *w1 = w0 + sums.size, *w2 = w1 + sums.size, *w3 = w2 + sums.size;
    for (int64_t i = sums.begin; i < sums.end; i++) {
      const C* x = row + start[i];
      to[i] = w0[i] * x[0] + w1[i] * x[1] + w2[i] * x[2] + w3[i] * x[3];
    }
  } else {
    for (int64_t i = sums.begin; i < sums.end; i++) one(i);
  }
  for (int64_t i = sums.end; i < sums.size; i++) one(i);
}

// to = Σ weights[t] · rows[t]
template <class C> void sumRows(const C* weights, int64_t count, const C* rows, int64_t width, C* to) {
  if (count == 0) return std::fill(to, to + width, C(0));
  if (count == 1) {
    for (int64_t i = 0; i < width; i++) to[i] = weights[0] * rows[i];
    return;
  }
  const C *second = rows + width, w0 = weights[0], w1 = weights[1];
  for (int64_t i = 0; i < width; i++) to[i] = w0 * rows[i] + w1 * second[i];
  for (int64_t t = 2; t < count; t++) {
    const C w = weights[t], *row = rows + t * width;
    for (int64_t i = 0; i < width; i++) to[i] += w * row[i];
  }
}

template <class C>
bool resample(const Planes& x, const Planes& out, const Sums<C>* rows, const Sums<C>* columns) {
  const LoadFn<C> load = loader<C>(x.dtype);
  const StoreFn<C> save = storer<C>(out.dtype);
  const int64_t height = out.sizes[1], width = out.sizes[2], itemX = itemSize(x.dtype), itemOut = itemSize(out.dtype);
  const bool readsPlain = x.dtype == DTypeOf<C>::value && x.strides[2] == 1;
  const bool writesPlain = out.dtype == DTypeOf<C>::value && out.strides[2] == 1;
  // Blocks of rows small enough for the cache, large enough that few rows of the source are summed twice.
  const int64_t block = std::min(height, std::max(int64_t(16), 16384 / std::max(width, int64_t(1))));
  const int64_t blocks = (height + block - 1) / block;
  std::atomic<bool> failed{false};
  const int64_t cost = block * (width * ((rows ? 1 : 0) + (columns ? 2 : 1)) + 16);
  parallelFor(out.count * blocks, 32768 / cost, [&](int64_t begin, int64_t end) {
    Scratch lineScratch, bandScratch, resultScratch;
    for (int64_t job = begin; job < end; job++) {
      const int64_t p = job / blocks, r0 = job % blocks * block, r1 = std::min(r0 + block, height);
      int64_t low = r0, high = r1;
      if (rows) {
        low = x.sizes[1];
        high = 0;
        for (int64_t r = r0; r < r1; r++) {
          if (rows->count[size_t(r)] == 0) continue;
          low = std::min(low, rows->start[size_t(r)]);
          high = std::max(high, rows->start[size_t(r)] + rows->count[size_t(r)]);
        }
        high = std::max(high, low);
      }
      C* line = lineScratch.get<C>(x.sizes[2]);
      C* band = bandScratch.get<C>((high - low) * width + 1);
      C* result = resultScratch.get<C>(width);
      if (!line || !band || !result) {
        failed = true;
        return;
      }
      const char* from = x.data + x.plane(p) * itemX;
      char* to = out.data + out.plane(p) * itemOut;
      const bool direct = readsPlain && !columns && x.strides[1] == width;
      const C* summed = band;
      if (direct) summed = reinterpret_cast<const C*>(from) + low * width;
      else
        for (int64_t y = low; y < high; y++) {
          const char* source = from + y * x.strides[1] * itemX;
          C* target = band + (y - low) * width;
          if (!columns) {
            load(source, x.strides[2], width, target);
            continue;
          }
          const C* values = reinterpret_cast<const C*>(source);
          if (!readsPlain) {
            load(source, x.strides[2], x.sizes[2], line);
            values = line;
          }
          sumRow(*columns, values, target);
        }
      for (int64_t r = r0; r < r1; r++) {
        char* target = to + r * out.strides[1] * itemOut;
        C* row = writesPlain ? reinterpret_cast<C*>(target) : result;
        if (rows)
          sumRows(rows->weights.data() + r * rows->width, rows->count[size_t(r)], summed + (rows->start[size_t(r)] - low) * width, width, row);
        else std::copy(summed + (r - low) * width, summed + (r - low + 1) * width, row);
        if (!writesPlain) save(target, out.strides[2], width, row);
      }
    }
  });
  return !failed;
}

}  // namespace

// resample(x, out, rows?, columns?): along the last two dimensions out[i] = Σ weights[i, t] · x[start[i] + t]. A table is
// float64 [size, 2 + width] of start, count and weights; a dimension without one stays as it is.
KERNEL(resample) {
  const TensorArg xArg = args.tensor(), outArg = args.tensor(), rowsArg = args.tensor(), columnsArg = args.tensor();
  if (outArg.numel() == 0) return kOk;
  const Planes x(xArg, 2), out(outArg, 2);
  return dispatchCompute(x.dtype, DType::f32, [&](auto tag) -> int {
    using C = decltype(tag);
    if constexpr (std::is_same<C, int64_t>::value) return kUnsupported;
    else {
      Sums<C> rows, columns;
      if (rowsArg && !rows.read(rowsArg, x.sizes[1], out.sizes[1])) return kUnsupported;
      if (columnsArg && !columns.read(columnsArg, x.sizes[2], out.sizes[2])) return kUnsupported;
      return resample<C>(x, out, rowsArg ? &rows : nullptr, columnsArg ? &columns : nullptr) ? kOk : kOutOfMemory;
    }
  });
}

}  // namespace flambeau
