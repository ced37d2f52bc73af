#include <atomic>

#include "math.hpp"
#include "reduction.hpp"

namespace flambeau {
namespace {

// A sequence's states are its labels with blanks between, before and after: 2 L + 1 of them. Rows of states are kept in
// logarithms, padded to whole vectors, with two states that are never reached on either side.
template <class C> struct Rows {
  static constexpr int64_t kLane = kLanes<C>;
  int64_t width;   // of a row, without its borders
  int64_t stride;  // from row to row
  Scratch<C, 1> memory;
  explicit Rows(int64_t states, int rows)
      : width((states + kLane - 1) / kLane * kLane), stride(width + 2 * kLane), memory(stride * rows) {
    if (memory) for (int64_t i = 0; i < stride * rows; i++) memory.get()[i] = -kInfinity<C>;
  }
  C* operator[](int row) { return memory.get() + row * stride + kLane; }
};

// ln(e^a + e^b + e^c).
template <class C> FLAMBEAU_INLINE Vec<C> logSum(Vec<C> a, Vec<C> b, Vec<C> c) {
  const Vec<C> ab = a > b ? a : b, top = ab > c ? ab : c, shift = top > splat(-kInfinity<C>) ? top : Vec<C>{};
  return vLog<C>(vExp<C>(a - shift) + vExp<C>(b - shift) + vExp<C>(c - shift)) + shift;
}

struct Sequence {
  int64_t length, labels;
  const int64_t* target;
  int64_t states() const { return 2 * labels + 1; }
};

struct Batch {
  TensorArg logp, targets, lengths, targetLengths, starts;
  int64_t blank = 0;

  void read(Args& args) {
    logp = args.tensor(), targets = args.tensor(), lengths = args.tensor(), targetLengths = args.tensor(), starts = args.tensor();
  }
  Sequence at(int64_t n) const {
    return {lengths.as<int64_t>()[n * lengths.strides[0]], targetLengths.as<int64_t>()[n * targetLengths.strides[0]],
            targets.as<int64_t>() + starts.as<int64_t>()[n * starts.strides[0]]};
  }
  int64_t classOf(const Sequence& sequence, int64_t s) const { return s % 2 == 0 ? blank : sequence.target[s / 2]; }
  // Labels in use must be classes; what pads them may be anything.
  int check(Args& args) const {
    if (!isFloating(logp.dtype) || targets.dtype != DType::i64) return kUnsupported;
    for (int64_t n = 0; n < lengths.sizes[0]; n++) {
      const Sequence sequence = at(n);
      for (int64_t i = 0; i < sequence.labels; i++) {
        if (sequence.target[i] >= 0 && sequence.target[i] < logp.sizes[2]) continue;
        args.result(1, double(sequence.target[i]));
        args.result(2, double(logp.sizes[2]));
        return kIndexOutOfRange;
      }
    }
    return kOk;
  }
  // 0 where a path may come from two states before (or, backward, go two further), -inf elsewhere.
  template <class C> void skips(const Sequence& sequence, C* out, int64_t step) const {
    for (int64_t s = 1; s < sequence.states(); s += 2) {
      const int64_t other = s + 2 * step;
      out[s] = other > 0 && other < sequence.states() && classOf(sequence, s) != classOf(sequence, other) ? C(0) : -kInfinity<C>;
    }
  }
  template <class T, class C> void gatherStates(const Sequence& sequence, int64_t n, int64_t t, C* out) const {
    const T* row = logp.as<T>() + t * logp.strides[0] + n * logp.strides[1];
    const C blankValue = from<C>(row[blank * logp.strides[2]]);
    for (int64_t i = 0; i < sequence.labels; i++) {
      out[2 * i] = blankValue;
      out[2 * i + 1] = from<C>(row[sequence.target[i] * logp.strides[2]]);
    }
    out[2 * sequence.labels] = blankValue;
  }
};

template <class T> using ComputeOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class F> void dispatchFloat(DType dtype, F&& f) {
  if (dtype == DType::f64) f(double{});
  else if (dtype == DType::f16) f(Half{});
  else if (dtype == DType::bf16) f(BFloat16{});
  else f(float{});
}

}  // namespace

// ctcLoss(logp [T, N, C], targets int64 [*] or [N, *] contiguous, lengths [N], targetLengths [N], starts [N], alpha [N, T, S]
// contiguous, loss [N], blank)
KERNEL(ctcLoss) {
  Batch batch;
  batch.read(args);
  const TensorArg alpha = args.tensor(), loss = args.tensor();
  batch.blank = args.i64();
  if (const int status = batch.check(args)) return status;
  const int64_t steps = alpha.sizes[1], width = alpha.sizes[2];
  std::atomic<bool> ok{true};
  dispatchFloat(batch.logp.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = ComputeOf<T>;
    parallelFor(alpha.sizes[0], 1, [&](int64_t n, int64_t) {
      const Sequence sequence = batch.at(n);
      const int64_t states = sequence.states();
      C* table = alpha.as<C>() + n * steps * width;
      for (int64_t i = 0; i < steps * width; i++) table[i] = -kInfinity<C>;
      Rows<C> rows(states, 3);
      if (!rows.memory) return ok.store(false);
      C *before = rows[0], *values = rows[1], *skip = rows[2];
      batch.template skips<C>(sequence, skip, -1);
      for (int64_t t = 0; t < sequence.length; t++) {
        batch.template gatherStates<T, C>(sequence, n, t, values);
        C* now = table + t * width;
        if (t == 0) {
          for (int64_t s = 0; s < states && s < 2; s++) now[s] = values[s];
        } else {
          for (int64_t s = 0; s < states; s += Rows<C>::kLane) {
            const Vec<C> sum = logSum<C>(load<C>(before + s), load<C>(before + s - 1), load<C>(before + s - 2) + load<C>(skip + s));
            storePart<C>(now + s, sum + load<C>(values + s), std::min<int64_t>(Rows<C>::kLane, states - s));
          }
        }
        std::memcpy(before, now, size_t(states) * sizeof(C));
      }
      C value = sequence.length == 0 ? (sequence.labels == 0 ? C(0) : kInfinity<C>) : C(0);
      if (sequence.length > 0) {
        const Vec<C> never = splat(-kInfinity<C>);
        value = -logSum<C>(splat(before[states - 1]), splat(before[states - 2]), never)[0];
      }
      loss.as<T>()[n * loss.strides[0]] = to<T>(value);
    });
  });
  return ok.load() ? kOk : kOutOfMemory;
}

// ctcLossBackward(grad [N], logp, targets, lengths, targetLengths, starts, loss [N], alpha [N, T, S], gradX [T, N, C], blank,
// zeroInfinity): e^logp - sum of e^(alpha + beta + loss - logp) over the states of a class, times grad; 0 after the end.
KERNEL(ctcLossBackward) {
  const TensorArg grad = args.tensor();
  Batch batch;
  batch.read(args);
  const TensorArg loss = args.tensor(), alpha = args.tensor(), gradX = args.tensor();
  batch.blank = args.i64();
  const bool zeroInfinity = args.flag();
  if (const int status = batch.check(args)) return status;
  if (grad.dtype != batch.logp.dtype || gradX.dtype != batch.logp.dtype || loss.dtype != batch.logp.dtype) return kUnsupported;
  const int64_t steps = gradX.sizes[0], classes = gradX.sizes[2], width = alpha.sizes[2];
  std::atomic<bool> ok{true};
  dispatchFloat(batch.logp.dtype, [&](auto tag) {
    using T = decltype(tag);
    using C = ComputeOf<T>;
    parallelFor(alpha.sizes[0], 1, [&](int64_t n, int64_t) {
      const Sequence sequence = batch.at(n);
      const int64_t states = sequence.states();
      const C* table = alpha.as<C>() + n * steps * width;
      const C g = from<C>(grad.as<T>()[n * grad.strides[0]]), nll = from<C>(loss.as<T>()[n * loss.strides[0]]);
      Rows<C> rows(states, 4);
      Scratch<C, 1> sums(classes);
      if (!rows.memory || !sums) return ok.store(false);
      C *after = rows[0], *values = rows[1], *skip = rows[2], *share = rows[3];
      batch.template skips<C>(sequence, skip, 1);
      const bool nothing = zeroInfinity && nll == kInfinity<C>;
      for (int64_t t = steps - 1; t >= 0; t--) {
        T* into = gradX.as<T>() + t * gradX.strides[0] + n * gradX.strides[1];
        if (nothing || t >= sequence.length) {
          for (int64_t c = 0; c < classes; c++) into[c * gradX.strides[2]] = to<T>(C(0));
          continue;
        }
        batch.template gatherStates<T, C>(sequence, n, t, values);
        const C* now = table + t * width;
        for (int64_t s = 0; s < states; s += Rows<C>::kLane) {
          const int64_t count = std::min<int64_t>(Rows<C>::kLane, states - s);
          Vec<C> beta = load<C>(values + s);
          if (t == sequence.length - 1) {
            for (int64_t i = 0; i < count; i++)
              if (s + i < states - 2) beta[i] = -kInfinity<C>;
          } else {
            // Rows grow to the right here, so that what is read of `after` beyond s is still the later step's.
            beta += logSum<C>(load<C>(after + s), load<C>(after + s + 1), load<C>(after + s + 2) + load<C>(skip + s));
          }
          const Vec<C> path = loadPart<C>(now + s, count) + beta + splat(nll) - load<C>(values + s);
          store<C>(share + s, vExp<C>(path));
          storePart<C>(after + s, beta, count);
        }
        for (int64_t c = 0; c < classes; c++) sums.get()[c] = C(0);
        for (int64_t s = 0; s < states; s++) sums.get()[batch.classOf(sequence, s)] += share[s];
        const T* row = batch.logp.as<T>() + t * batch.logp.strides[0] + n * batch.logp.strides[1];
        for (int64_t c = 0; c < classes; c += Rows<C>::kLane) {
          const int64_t count = std::min<int64_t>(Rows<C>::kLane, classes - c);
          Vec<C> value{};
          for (int64_t i = 0; i < count; i++) value[i] = from<C>(row[(c + i) * batch.logp.strides[2]]);
          Vec<C> result = (vExp<C>(value) - loadPart<C>(sums.get() + c, count)) * splat(g);
          // As in logarithms, where these are inf - inf.
          const Vec<C> undefined = splat(kNaN<C>);
          result = value == splat(-kInfinity<C>) ? undefined : result;
          if (nll == kInfinity<C>) result = undefined;
          for (int64_t i = 0; i < count; i++) into[(c + i) * gradX.strides[2]] = to<T>(result[i]);
        }
      }
    });
  });
  return ok.load() ? kOk : kOutOfMemory;
}

}  // namespace flambeau
