#include "math.hpp"
#include "reduction.hpp"

namespace flambeau {
namespace {

constexpr int64_t kColumns = 256;
// exp makes an element cost several times what a sum's does.
constexpr int64_t kSoftmaxPiece = kPiece / 4;

// The other dimensions as one nest over up to three tensors, and the softmax dimension itself.
struct Lines {
  Nest outer;
  int64_t count = 1, length = 1;
  int64_t strides[3] = {0, 0, 0};
  bool byColumns = false;

  Lines(int dim, const TensorArg& a, const TensorArg& b, const TensorArg& c) {
    for (int d = 0; d < a.ndim; d++) {
      if (d == dim) {
        length = a.sizes[d];
        strides[0] = a.strides[d], strides[1] = b.strides[d], strides[2] = c.strides[d];
      } else {
        outer.push(a.sizes[d], a.strides[d], b.strides[d], c.strides[d]);
        count *= a.sizes[d];
      }
    }
    outer.sort();
    outer.merge();
    if (outer.count > 0 && length > 1) {
      const Loop& inner = outer.loops[outer.count - 1];
      byColumns = inner.size >= 8 && Nest::rank(inner) < uint64_t(strides[0]) - 1;
    }
  }
};

// A tensor's elements along one stride, used in place where they already are a contiguous run of C.
template <class C> struct Side {
  char* data;
  int64_t item;
  bool same;
  LoadFn<C> loadRun;
  StoreFn<C> storeRun;

  explicit Side(const TensorArg& t)
      : data(t.data), item(itemSize(t.dtype)), same(t.dtype == DTypeOf<C>::value), loadRun(loader<C>(t.dtype)),
        storeRun(storer<C>(t.dtype)) {}
  bool direct(int64_t stride, int64_t n) const { return same && (stride == 1 || n <= 1); }
  const C* read(int64_t offset, int64_t stride, int64_t n, C* buffer) const {
    if (direct(stride, n)) return reinterpret_cast<const C*>(data) + offset;
    loadRun(data + offset * item, stride, n, buffer);
    return buffer;
  }
  C* target(int64_t offset, int64_t stride, int64_t n, C* buffer) const {
    return direct(stride, n) ? reinterpret_cast<C*>(data) + offset : buffer;
  }
  void write(int64_t offset, int64_t stride, int64_t n, const C* from) const {
    if (!direct(stride, n)) storeRun(data + offset * item, stride, n, from);
  }
};

template <class C> C reduceRun(ReduceOp op, const C* x, int64_t n, C aux) {
  const ReduceTable<C>& table = reduceTable<C>(op);
  C value = table.row(x, std::min(n, kRowRun), aux);
  for (int64_t i = kRowRun; i < n; i += kRowRun) value = table.join(value, table.row(x + i, std::min(n - i, kRowRun), aux));
  return value;
}

template <class C> C sumLanes(Vec<C> v) {
  C s = 0;
  for (int i = 0; i < kLanes<C>; i++) s += v[i];
  return s;
}

template <class C> void softmaxRow(const C* x, C* y, int64_t n, bool log) {
  const C m = reduceRun<C>(ReduceOp::max, x, n, 0);
  const Vec<C> shift = splat<C>(m);
  if (log) {
    const Vec<C> logSum = splat<C>(std::log(reduceRun<C>(ReduceOp::sumOfExp, x, n, m)));
    return eachVector<C>(n, [&](auto at, auto put) { put(y, at(x) - shift - logSum); });
  }
  eachVector<C>(n, [&](auto at, auto put) { put(y, vExp<C>(at(x) - shift)); });
  const Vec<C> scale = splat<C>(C(1) / reduceRun<C>(ReduceOp::sum, y, n, 0));
  eachVector<C>(n, [&](auto at, auto put) { put(y, at(y) * scale); });
}

template <class C> void softmaxBackwardRow(const C* g, const C* y, C* gx, int64_t n, bool log) {
  Vec<C> sums{};
  if (log) {
    const Vec<C> sum = splat<C>(reduceRun<C>(ReduceOp::sum, g, n, 0));
    return eachVector<C>(n, [&](auto at, auto put) { put(gx, at(g) - vExp<C>(at(y)) * sum); });
  }
  eachVector<C>(n, [&](auto at, auto) { sums += at(g) * at(y); });
  const Vec<C> sum = splat<C>(sumLanes<C>(sums));
  eachVector<C>(n, [&](auto at, auto put) { put(gx, (at(g) - sum) * at(y)); });
}

template <class C> int softmaxForward(const Lines& lines, const TensorArg& x, const TensorArg& out, bool log) {
  const Side<C> from(x), into(out);
  const int64_t n = lines.length, xs = lines.strides[0], ys = lines.strides[1];
  if (lines.byColumns) {
    const Loop& inner = lines.outer.loops[lines.outer.count - 1];
    const int64_t blocks = (inner.size + kColumns - 1) / kColumns, outer = lines.count / inner.size;
    parallelFor(outer * blocks, kSoftmaxPiece / (n * std::min(inner.size, kColumns)), [&](int64_t begin, int64_t end) {
      alignas(64) C maxima[kColumns], sums[kColumns], buffer[kColumns];
      const C* row;
      for (int64_t task = begin; task < end; task++) {
        const int64_t first = task % blocks * kColumns, w = std::min(kColumns, inner.size - first);
        const Walk<3> at(lines.outer, task / blocks * inner.size + first);
        const auto read = [&](int64_t i) { return from.read(at.offsets[0] + i * xs, inner.strides[0], w, buffer); };
        const ReduceTable<C>&max = reduceTable<C>(ReduceOp::max), &sumOfExp = reduceTable<C>(ReduceOp::sumOfExp);
        std::fill(maxima, maxima + kColumns, max.identity);
        std::fill(sums, sums + kColumns, C(0));
        for (int64_t i = 0; i < n; i++) row = read(i), max.columns(maxima, &row, 1, w, nullptr);
        for (int64_t i = 0; i < n; i++) row = read(i), sumOfExp.columns(sums, &row, 1, w, maxima);
        for (int64_t j = 0; j < w; j++) sums[j] = log ? std::log(sums[j]) : C(1) / sums[j];
        for (int64_t i = 0; i < n; i++) {
          row = read(i);
          C* y = into.target(at.offsets[1] + i * ys, inner.strides[1], w, buffer);
          if (log) eachVector<C>(w, [&](auto get, auto put) { put(y, get(row) - get(maxima) - get(sums)); });
          else eachVector<C>(w, [&](auto get, auto put) { put(y, vExp<C>(get(row) - get(maxima)) * get(sums)); });
          into.write(at.offsets[1] + i * ys, inner.strides[1], w, y);
        }
      }
    });
    return kOk;
  }
  bool failed = false;
  parallelFor(lines.count, kSoftmaxPiece / n, [&](int64_t begin, int64_t end) {
    const bool whole = from.direct(xs, n) && into.direct(ys, n);
    Scratch<C, 2048> buffer(whole ? 0 : n);
    if (!buffer) return void(failed = true);
    for (Walk<3> at(lines.outer, begin); begin < end; begin++, at.advance(1)) {
      const C* row = from.read(at.offsets[0], xs, n, buffer.get());
      C* y = into.target(at.offsets[1], ys, n, buffer.get());
      softmaxRow<C>(row, y, n, log);
      into.write(at.offsets[1], ys, n, y);
    }
  });
  return failed ? kOutOfMemory : kOk;
}

template <class C>
int softmaxBackward(const Lines& lines, const TensorArg& grad, const TensorArg& out, const TensorArg& gradX, bool log) {
  const Side<C> g(grad), y(out), into(gradX);
  const int64_t n = lines.length, gs = lines.strides[0], ys = lines.strides[1], xs = lines.strides[2];
  if (lines.byColumns) {
    const Loop& inner = lines.outer.loops[lines.outer.count - 1];
    const int64_t blocks = (inner.size + kColumns - 1) / kColumns, outer = lines.count / inner.size;
    parallelFor(outer * blocks, kSoftmaxPiece / (n * std::min(inner.size, kColumns)), [&](int64_t begin, int64_t end) {
      alignas(64) C sums[kColumns], bufferG[kColumns], bufferY[kColumns];
      for (int64_t task = begin; task < end; task++) {
        const int64_t first = task % blocks * kColumns, w = std::min(kColumns, inner.size - first);
        const Walk<3> at(lines.outer, task / blocks * inner.size + first);
        const auto readG = [&](int64_t i) { return g.read(at.offsets[0] + i * gs, inner.strides[0], w, bufferG); };
        const auto readY = [&](int64_t i) { return y.read(at.offsets[1] + i * ys, inner.strides[1], w, bufferY); };
        std::fill(sums, sums + kColumns, C(0));
        for (int64_t i = 0; i < n; i++) {
          const C *a = readG(i), *b = log ? a : readY(i);
          eachVector<C>(w, [&](auto get, auto put) { put(sums, get(sums) + (log ? get(a) : get(a) * get(b))); });
        }
        for (int64_t i = 0; i < n; i++) {
          const C *a = readG(i), *b = readY(i);
          C* to = into.target(at.offsets[2] + i * xs, inner.strides[2], w, bufferG);
          if (log) eachVector<C>(w, [&](auto get, auto put) { put(to, get(a) - vExp<C>(get(b)) * get(sums)); });
          else eachVector<C>(w, [&](auto get, auto put) { put(to, (get(a) - get(sums)) * get(b)); });
          into.write(at.offsets[2] + i * xs, inner.strides[2], w, to);
        }
      }
    });
    return kOk;
  }
  bool failed = false;
  parallelFor(lines.count, kSoftmaxPiece / n, [&](int64_t begin, int64_t end) {
    const bool whole = g.direct(gs, n) && y.direct(ys, n) && into.direct(xs, n);
    Scratch<C, 2048> buffers(whole ? 0 : 2 * n);
    if (!buffers) return void(failed = true);
    for (Walk<3> at(lines.outer, begin); begin < end; begin++, at.advance(1)) {
      const C* a = g.read(at.offsets[0], gs, n, buffers.get());
      const C* b = y.read(at.offsets[1], ys, n, buffers.get() + n);
      C* to = into.target(at.offsets[2], xs, n, buffers.get());
      softmaxBackwardRow<C>(a, b, to, n, log);
      into.write(at.offsets[2], xs, n, to);
    }
  });
  return failed ? kOutOfMemory : kOk;
}

}  // namespace

// softmax(x, out, dim, log)
KERNEL(softmax) {
  const TensorArg x = args.tensor(), out = args.tensor();
  const int dim = args.i32();
  const bool log = args.flag();
  if (!isFloating(x.dtype) || !isFloating(out.dtype)) return kUnsupported;
  const Lines lines(dim, x, out, out);
  if (lines.count * lines.length == 0) return kOk;
  if (x.dtype == DType::f64 || out.dtype == DType::f64) return softmaxForward<double>(lines, x, out, log);
  return softmaxForward<float>(lines, x, out, log);
}

// softmaxBackward(grad, out, gradX, dim, log): from the result of the forward pass, `out`.
KERNEL(softmaxBackward) {
  const TensorArg grad = args.tensor(), out = args.tensor(), gradX = args.tensor();
  const int dim = args.i32();
  const bool log = args.flag();
  if (!isFloating(grad.dtype) || !isFloating(out.dtype) || !isFloating(gradX.dtype)) return kUnsupported;
  const Lines lines(dim, grad, out, gradX);
  if (lines.count * lines.length == 0) return kOk;
  if (grad.dtype == DType::f64 || out.dtype == DType::f64) return softmaxBackward<double>(lines, grad, out, gradX, log);
  return softmaxBackward<float>(lines, grad, out, gradX, log);
}

}  // namespace flambeau
