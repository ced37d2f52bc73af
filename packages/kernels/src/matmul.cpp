// The matmul kernel: batches, and the types that are multiplied in another one.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <type_traits>

#include "gemm.hpp"
#include "kernel.hpp"

namespace flambeau {
namespace {

// A matrix of a batch: its first element (an index into the tensor) and the strides of its rows and columns.
struct Matrix {
  int64_t offset, rs, cs;
};

struct BatchDim {
  int64_t size, a, b, out;
};

struct Problem {
  int64_t m, n, k;
  Matrix a, b, out;
  int dims = 0;
  int64_t batches = 1;
  BatchDim batch[kMaxDims];

  Problem(const TensorArg& x, const TensorArg& y, const TensorArg& z) {
    const int r = z.ndim - 2;
    m = z.sizes[r], n = z.sizes[r + 1], k = x.sizes[r + 1];
    a = {0, x.strides[r], x.strides[r + 1]};
    b = {0, y.strides[r], y.strides[r + 1]};
    out = {0, z.strides[r], z.strides[r + 1]};
    for (int d = 0; d < r; d++) {
      if (z.sizes[d] == 1) continue;
      const BatchDim dim{z.sizes[d], x.strides[d], y.strides[d], z.strides[d]};
      batches *= dim.size;
      BatchDim* last = dims > 0 ? &batch[dims - 1] : nullptr;
      if (last && last->a == dim.a * dim.size && last->b == dim.b * dim.size && last->out == dim.out * dim.size) {
        *last = {last->size * dim.size, dim.a, dim.b, dim.out};
      } else {
        batch[dims++] = dim;
      }
    }
    fold();
  }

  // Matrices that share an operand and lie one below the other (or side by side) are one larger matrix.
  void fold() {
    while (dims > 0) {
      const BatchDim& d = batch[dims - 1];
      if (d.b == 0 && (m == 1 || (d.a == m * a.rs && d.out == m * out.rs))) {
        if (m == 1) a.rs = d.a, out.rs = d.out;
        m *= d.size;
      } else if (d.a == 0 && (n == 1 || (d.b == n * b.cs && d.out == n * out.cs))) {
        if (n == 1) b.cs = d.b, out.cs = d.out;
        n *= d.size;
      } else {
        return;
      }
      batches /= d.size;
      dims--;
    }
  }

  void at(int64_t index, Matrix& x, Matrix& y, Matrix& z) const {
    x = a, y = b, z = out;
    for (int d = dims - 1; d >= 0; d--) {
      const int64_t i = index % batch[d].size;
      index /= batch[d].size;
      x.offset += i * batch[d].a, y.offset += i * batch[d].b, z.offset += i * batch[d].out;
    }
  }
};

// body(a, b, out) for each matrix; small ones are shared out among the threads whole, large ones share one by one.
template <class F> bool forBatches(const Problem& p, F&& body) {
  std::atomic<bool> ok{true};
  const auto run = [&](int64_t begin, int64_t end) {
    Matrix x, y, z;
    for (int64_t i = begin; i < end; i++) {
      p.at(i, x, y, z);
      if (!body(x, y, z)) ok.store(false, std::memory_order_relaxed);
    }
  };
  const int64_t work = std::max<int64_t>(p.m * p.n * p.k, p.m * p.n);
  if (work > 2 << 20) run(0, p.batches);
  else parallelFor(p.batches, (64 << 10) / (work + 256), run);
  return ok.load();
}

template <class T>
bool multiply(const Problem& p, const TensorArg& a, const TensorArg& b, const TensorArg& out, bool accumulate) {
  return forBatches(p, [&](const Matrix& x, const Matrix& y, const Matrix& z) {
    return gemm<T>(p.m, p.n, p.k, a.as<T>() + x.offset, x.rs, x.cs, b.as<T>() + y.offset, y.rs, y.cs, out.as<T>() + z.offset,
                   z.rs, z.cs, accumulate);
  });
}

template <class T> struct Buffer {
  T* data;
  explicit Buffer(int64_t n) : data(static_cast<T*>(std::malloc(size_t(n) * sizeof(T)))) {}
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
};

template <class C, class T> inline C widen(T x) { return from<C>(x); }
template <class T, class C> inline T narrow(C x) {
  if constexpr (std::is_integral<C>::value) return T(x);
  else return to<T>(x);
}

// Copies a matrix into a dense one of the compute type, along its own shorter stride; answers where it lies.
template <class C, class T> Matrix widenMatrix(const T* src, int64_t rows, int64_t columns, Matrix at, C* dst) {
  const bool turned = at.rs < at.cs && rows > 1;
  const int64_t outer = turned ? columns : rows, inner = turned ? rows : columns;
  const int64_t os = turned ? at.cs : at.rs, is = turned ? at.rs : at.cs;
  parallelFor(outer, (16 << 10) / (inner + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const T* x = src + at.offset + i * os;
      C* y = dst + i * inner;
      if (is == 1) {
        for (int64_t j = 0; j < inner; j++) y[j] = widen<C>(x[j]);
      } else {
        for (int64_t j = 0; j < inner; j++) y[j] = widen<C>(x[j * is]);
      }
    }
  });
  return {0, turned ? 1 : inner, turned ? inner : 1};
}

// Multiplies in C, a wider type: some rows at a time, so that the widened copies stay small, and rounds once.
template <class T, class C>
bool multiplyAs(const Problem& p, const TensorArg& a, const TensorArg& b, const TensorArg& out, bool accumulate) {
  return forBatches(p, [&](const Matrix& x, const Matrix& y, const Matrix& z) {
    const int64_t rows = std::max<int64_t>(std::min(p.m, (4 << 20) / (p.k + p.n)), 1);
    const Buffer<C> wideA(rows * p.k + 1), wideB(p.k * p.n + 1), wideOut(rows * p.n);
    if (!wideA.data || !wideB.data || !wideOut.data) return false;
    const Matrix y2 = widenMatrix(b.as<T>(), p.k, p.n, y, wideB.data);
    for (int64_t i = 0; i < p.m; i += rows) {
      const int64_t h = std::min(rows, p.m - i);
      const Matrix x2 = widenMatrix(a.as<T>(), h, p.k, {x.offset + i * x.rs, x.rs, x.cs}, wideA.data);
      if (!gemm<C>(h, p.n, p.k, wideA.data, x2.rs, x2.cs, wideB.data, y2.rs, y2.cs, wideOut.data, p.n, 1, false)) return false;
      T* const to = out.as<T>() + z.offset + i * z.rs;
      parallelFor(h, (16 << 10) / (p.n + 1), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
          const C* s = wideOut.data + r * p.n;
          T* d = to + r * z.rs;
          for (int64_t j = 0; j < p.n; j++) {
            d[j * z.cs] = narrow<T>(C(accumulate ? s[j] + widen<C>(d[j * z.cs]) : s[j]));
          }
        }
      });
    }
    return true;
  });
}

}  // namespace

// matmul(a, b, out, accumulate): out = a @ b, or out += a @ b, over equal batch dimensions.
KERNEL(matmul) {
  const TensorArg a = args.tensor(), b = args.tensor(), out = args.tensor();
  const bool accumulate = args.flag();
  if (out.numel() == 0) return kOk;
  const Problem p(a, b, out);
  bool ok = false;
  switch (out.dtype) {
    case DType::f32: ok = multiply<float>(p, a, b, out, accumulate); break;
    case DType::f64: ok = multiply<double>(p, a, b, out, accumulate); break;
    case DType::f16: ok = multiplyAs<Half, float>(p, a, b, out, accumulate); break;
    case DType::bf16: ok = multiplyAs<BFloat16, float>(p, a, b, out, accumulate); break;
    case DType::i8: ok = multiplyAs<int8_t, uint32_t>(p, a, b, out, accumulate); break;
    case DType::i16: ok = multiplyAs<int16_t, uint32_t>(p, a, b, out, accumulate); break;
    case DType::u8: ok = multiplyAs<uint8_t, uint32_t>(p, a, b, out, accumulate); break;
    case DType::i32: ok = multiply<uint32_t>(p, a, b, out, accumulate); break;
    case DType::i64: ok = multiply<uint64_t>(p, a, b, out, accumulate); break;
    default: return kUnsupported;
  }
  return ok ? kOk : kOutOfMemory;
}

}  // namespace flambeau
