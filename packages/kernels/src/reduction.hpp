// How a reduction walks memory: along rows where the reduced elements lie together, else over columns of outputs at once.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "reduceops.hpp"

namespace flambeau {

// Elements a task works through: some 10 µs. Tasks are cut by this alone, whatever the number of threads.
constexpr int64_t kPiece = 32768;
// From this many outputs on, tasks are whole outputs; with fewer, long reductions are cut as well.
constexpr int64_t kManyTasks = 16;

struct ReducePlan {
  Nest kept;     // strides: x, first output, second output; sorted by x's strides
  Nest reduced;  // strides: x
  int64_t outputs, length;
  bool byColumns;

  // The last r dimensions of x are reduced; outputs have the others. In `ordered` plans reduced elements are met in
  // row-major order.
  ReducePlan(const TensorArg& x, int r, const TensorArg& out, const TensorArg* second, bool ordered = false) {
    const int n = x.ndim - r;
    outputs = length = 1;
    for (int d = 0; d < n; d++) {
      kept.push(x.sizes[d], x.strides[d], out.strides[d], second ? second->strides[d] : 0);
      outputs *= x.sizes[d];
    }
    for (int d = n; d < x.ndim; d++) {
      reduced.push(x.sizes[d], x.strides[d]);
      length *= x.sizes[d];
    }
    kept.sort();
    kept.merge();
    if (!ordered) reduced.sort();
    reduced.merge();
    byColumns = false;
    if (kept.count > 0) {
      const Loop& column = kept.loops[kept.count - 1];
      uint64_t nearest = UINT64_MAX;
      for (int i = 0; i < reduced.count; i++) nearest = std::min(nearest, Nest::rank(reduced.loops[i]));
      byColumns = (column.size >= 8 && Nest::rank(column) < nearest) || (length < 16 && column.size >= 32);
    }
  }
};

// Memory for partial results; small amounts come from the stack.
template <class C, int Small = 512> class Scratch {
  alignas(64) C small_[Small];
  C* data_;

 public:
  explicit Scratch(int64_t n) : data_(n <= Small ? small_ : static_cast<C*>(std::malloc(size_t(n) * sizeof(C)))) {}
  ~Scratch() {
    if (data_ != small_) std::free(data_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  explicit operator bool() const { return data_ != nullptr; }
  C* get() { return data_; }
};

enum class Finish { none, divide, divideSqrt, finiteOrZero, logPlusAux };

// What becomes of finished outputs, which come in runs of the plan's own order: a buffer in that order, a tensor, or both.
template <class C> struct Emit {
  const ReducePlan& plan;
  Finish finish = Finish::none;
  double divisor = 1;
  const C* aux = nullptr;
  C* flat = nullptr;
  const TensorArg* out = nullptr;
  int slot = 1;  // the tensor's place in the plan's strides

  void operator()(int64_t first, C* values, int64_t n) const {
    if constexpr (std::numeric_limits<C>::has_infinity) {
      for (int64_t i = 0; i < n && finish != Finish::none; i++) {
        C& v = values[i];
        if (finish == Finish::divide) v = C(v / C(divisor));
        else if (finish == Finish::divideSqrt) v = std::sqrt(C(v / C(divisor)));
        else if (finish == Finish::finiteOrZero) v = std::isinf(v) ? C(0) : v;
        else v = std::log(v) + aux[first + i];
      }
    }
    if (flat && n > 0) std::memcpy(flat + first, values, size_t(n) * sizeof(C));
    if (!out) return;
    const StoreFn<C> store = storer<C>(out->dtype);
    const int64_t item = itemSize(out->dtype);
    Walk<3> at(plan.kept, first);
    for (int64_t done = 0; done < n;) {
      const int64_t run = std::min(at.run(), n - done);
      store(out->data + at.offsets[slot] * item, at.stride(slot), run, values + done);
      at.advance(run);
      done += run;
    }
  }
};

// False where there was no memory for partial results.
template <class C>
bool runReduction(const ReducePlan& plan, const TensorArg& x, ReduceOp op, const C* aux, const Emit<C>& emit);

}  // namespace flambeau
