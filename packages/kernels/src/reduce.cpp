#include "reduction.hpp"

namespace flambeau {
namespace {

enum Kind { kSum, kMean, kProd, kMax, kMin, kAny, kAll, kLogSumExp, kSumOfSquares };
constexpr ReduceOp kOps[] = {ReduceOp::sum, ReduceOp::sum, ReduceOp::prod, ReduceOp::max,         ReduceOp::min,
                             ReduceOp::any, ReduceOp::all, ReduceOp::max,  ReduceOp::sumOfSquares};

// log(sum(exp(x))) = m + log(sum(exp(x - m))) with m the largest element, so that nothing overflows.
template <class C> int logSumExp(const ReducePlan& plan, const TensorArg& x, const TensorArg& out) {
  Scratch<C> maxima(plan.outputs);
  if (!maxima) return kOutOfMemory;
  Emit<C> keep{plan};
  keep.finish = Finish::finiteOrZero;
  keep.flat = maxima.get();
  Emit<C> emit{plan};
  emit.finish = Finish::logPlusAux;
  emit.aux = maxima.get();
  emit.out = &out;
  const bool ok = runReduction<C>(plan, x, ReduceOp::max, nullptr, keep) &&
                  runReduction<C>(plan, x, ReduceOp::sumOfExp, maxima.get(), emit);
  return ok ? kOk : kOutOfMemory;
}

}  // namespace

// reduce(kind, x, out, r): reduces the last r dimensions of x into out, which has the others.
KERNEL(reduce) {
  const int kind = args.i32();
  const TensorArg x = args.tensor(), out = args.tensor();
  const ReducePlan plan(x, args.i32(), out, nullptr);
  if (kind < kSum || kind > kSumOfSquares) return kUnsupported;
  const bool real = kind == kMean || kind == kLogSumExp;
  if (real && !isFloating(out.dtype)) return kUnsupported;
  const DType other = kind == kAny || kind == kAll ? x.dtype : out.dtype;
  return dispatchCompute(x.dtype, other, [&](auto tag) -> int {
    using C = decltype(tag);
    if constexpr (std::numeric_limits<C>::has_infinity)
      if (kind == kLogSumExp) return logSumExp<C>(plan, x, out);
    Emit<C> emit{plan};
    emit.out = &out;
    if (kind == kMean) {
      emit.finish = Finish::divide;
      emit.divisor = double(plan.length);
    }
    return runReduction<C>(plan, x, kOps[kind], nullptr, emit) ? kOk : kOutOfMemory;
  });
}

// variance(x, out, mean?, r, correction, isStd): of the last r dimensions of x, from their deviations from the mean.
KERNEL(variance) {
  const TensorArg x = args.tensor(), out = args.tensor(), mean = args.tensor();
  const ReducePlan plan(x, args.i32(), out, mean ? &mean : nullptr);
  const double correction = args.f64();
  const bool isStd = args.flag();
  if (!isFloating(out.dtype)) return kUnsupported;
  return dispatchCompute(x.dtype, out.dtype, [&](auto tag) -> int {
    using C = decltype(tag);
    if constexpr (std::numeric_limits<C>::has_infinity) {
      Scratch<C> means(plan.outputs);
      if (!means) return kOutOfMemory;
      Emit<C> keep{plan};
      keep.finish = Finish::divide;
      keep.divisor = double(plan.length);
      keep.flat = means.get();
      keep.out = mean ? &mean : nullptr;
      keep.slot = 2;
      Emit<C> emit{plan};
      emit.finish = isStd ? Finish::divideSqrt : Finish::divide;
      emit.divisor = std::max(0.0, double(plan.length) - correction);
      emit.out = &out;
      const bool ok = runReduction<C>(plan, x, ReduceOp::sum, nullptr, keep) &&
                      runReduction<C>(plan, x, ReduceOp::squaredDeviations, means.get(), emit);
      return ok ? kOk : kOutOfMemory;
    }
    return kUnsupported;
  });
}

}  // namespace flambeau
