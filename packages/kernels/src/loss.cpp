#include <algorithm>

#include "indexing.hpp"
#include "reduction.hpp"

namespace flambeau {
namespace {

constexpr int64_t kTargets = 8192;

// The positions of [N, *S]: strides of the class-indexed tensor without its class dimension, of the target, of the output.
Nest positionsOf(const TensorArg& classes, const TensorArg& target, const TensorArg* out) {
  Nest nest;
  for (int d = 0; d < target.ndim; d++)
    nest.push(target.sizes[d], classes.strides[d == 0 ? 0 : d + 1], target.strides[d], out ? out->strides[d] : 0);
  nest.merge();
  return nest;
}

// Calls f(offsets) for positions [begin, end) in row-major order.
template <class F> void eachPosition(const Nest& nest, int64_t begin, int64_t end, F&& f) {
  for (Walk<3> at(nest, begin); begin < end;) {
    const int64_t run = std::min(at.run(), end - begin), a = at.stride(0), b = at.stride(1), c = at.stride(2);
    for (int64_t i = 0; i < run; i++) {
      const int64_t offsets[] = {at.offsets[0] + i * a, at.offsets[1] + i * b, at.offsets[2] + i * c};
      f(offsets);
    }
    at.advance(run);
    begin += run;
  }
}

}  // namespace

// nllLoss(logp [N, C, *S], target [N, *S], weight? [C], out, totalWeight, reduction 0 none | 1 mean | 2 sum, ignoreIndex)
KERNEL(nllLoss) {
  const TensorArg logp = args.tensor(), target = args.tensor(), weight = args.tensor(), out = args.tensor(),
                  totalWeight = args.tensor();
  const int reduction = args.i32();
  const int64_t ignored = args.i64();
  if (!isFloating(logp.dtype) || target.dtype != DType::i64) return kUnsupported;
  if (weight && weight.dtype != logp.dtype) return kUnsupported;
  const Nest nest = positionsOf(logp, target, reduction == 0 ? &out : nullptr);
  const int64_t n = target.numel();
  if (const int status = checkIndices(target, logp.sizes[1], args, ignored, true)) return status;
  const int64_t pieces = (n + kTargets - 1) / kTargets;
  // The loss and the weight of each piece, in double.
  Scratch<double> partial(2 * pieces);
  if (!partial) return kOutOfMemory;
  const StoreFn<double> storeOut = storer<double>(out.dtype);
  dispatch(logp.dtype, [&](auto tag) {
    using T = decltype(tag);
    parallelFor(n, kTargets, [&](int64_t begin, int64_t end) {
      double loss = 0, weights = 0;
      double* sums = partial.get() + begin / kTargets * 2;
      eachPosition(nest, begin, end, [&](const int64_t* at) {
        const int64_t t = target.as<int64_t>()[at[1]];
        double w = 0, value = 0;
        if (t != ignored) {
          w = weight ? from<double>(weight.as<T>()[t * weight.strides[0]]) : 1;
          value = -w * from<double>(logp.as<T>()[at[0] + t * logp.strides[1]]);
        }
        loss += value;
        weights += w;
        if (reduction == 0) storeOut(out.data + at[2] * itemSize(out.dtype), 1, 1, &value);
      });
      sums[0] = loss;
      sums[1] = weights;
    });
  });
  double loss = 0, weights = 0;
  for (int64_t i = 0; i < pieces; i++) loss += partial.get()[2 * i], weights += partial.get()[2 * i + 1];
  if (reduction == 1) loss /= weights;
  if (reduction != 0) storeOut(out.data, 1, 1, &loss);
  storer<double>(totalWeight.dtype)(totalWeight.data, 1, 1, &weights);
  return kOk;
}

// nllLossBackward(grad, target, weight?, totalWeight, gradX, reduction, ignoreIndex): gradX is zero but at the targets.
KERNEL(nllLossBackward) {
  const TensorArg grad = args.tensor(), target = args.tensor(), weight = args.tensor(), totalWeight = args.tensor(),
                  gradX = args.tensor();
  const int reduction = args.i32();
  const int64_t ignored = args.i64();
  if (!isFloating(gradX.dtype) || target.dtype != DType::i64) return kUnsupported;
  const Nest nest = positionsOf(gradX, target, reduction == 0 ? &grad : nullptr);
  const int64_t n = target.numel(), classes = gradX.sizes[1], item = itemSize(gradX.dtype);
  if (const int status = checkIndices(target, classes, args, ignored, true)) return status;
  if (weight && weight.dtype != gradX.dtype) return kUnsupported;
  if (reduction == 0 && grad.dtype != gradX.dtype) return kUnsupported;
  double scale = 1, total = 1;
  if (reduction != 0) loader<double>(grad.dtype)(grad.data, 1, 1, &scale);
  if (reduction == 1) {
    loader<double>(totalWeight.dtype)(totalWeight.data, 1, 1, &total);
    scale /= total;
  }
  const bool contiguous = gradX.contiguous();
  if (contiguous) {
    const int64_t bytes = gradX.numel() * item;
    parallelFor(bytes, 1 << 18, [&](int64_t begin, int64_t end) { std::memset(gradX.data + begin, 0, size_t(end - begin)); });
  }
  dispatch(gradX.dtype, [&](auto tag) {
    using T = decltype(tag);
    const int64_t step = gradX.strides[1];
    parallelFor(n, std::max<int64_t>(1, kTargets / (contiguous ? 1 : classes)), [&](int64_t begin, int64_t end) {
      eachPosition(nest, begin, end, [&](const int64_t* at) {
        T* into = gradX.as<T>() + at[0];
        for (int64_t c = 0; c < classes && !contiguous; c++) into[c * step] = to<T>(0.0);
        const int64_t t = target.as<int64_t>()[at[1]];
        if (t == ignored) return;
        const double g = reduction == 0 ? from<double>(grad.as<T>()[at[2]]) : scale;
        const double w = weight ? from<double>(weight.as<T>()[t * weight.strides[0]]) : 1;
        into[t * step] = to<T>(-w * g);
      });
    });
  });
  return kOk;
}

}  // namespace flambeau
