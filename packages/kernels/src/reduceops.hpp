// The elementary reductions, as tables of vector loops over runs in the type of computation.
#pragma once
#include "strided.hpp"

namespace flambeau {

enum class ReduceOp : int { sum, prod, max, min, any, all, sumOfSquares, sumOfExp, squaredDeviations };

// A row reduces a run to one value; columns reduce several runs into a run of accumulators. `aux`, one value an output, is
// what sumOfExp and squaredDeviations subtract from the elements.
template <class C> struct ReduceTable {
  C identity;
  C (*row)(const C* x, int64_t n, C aux);
  void (*columns)(C* acc, const C* const* rows, int count, int64_t n, const C* aux);
  C (*join)(C a, C b);
  void (*joinRun)(C* acc, const C* other, int64_t n);
};

// A row call stays within this many elements, a columns call within this many rows: partial results are then combined
// pairwise, which keeps the rounding error of a sum logarithmic in its length.
constexpr int64_t kRowRun = 2048;
constexpr int kColumnRows = 8;

template <class C> const ReduceTable<C>& reduceTable(ReduceOp op);

}  // namespace flambeau
