// Recurrent layers over time, forward and backward: per step one matrix product and one pass over the gates.
//
// Rows of all steps lie one after another ("packed"): step t has sizes[t] of them, never more than the step before. A state
// has a row for each sequence of the batch and a step updates its first sizes[t] rows, so that sequences which have ended, or
// (in reverse) not yet begun, keep theirs.
#include <algorithm>

#include "gemm.hpp"
#include "math.hpp"
#include "reduction.hpp"

namespace flambeau {
namespace {

enum Mode { kTanh, kRelu, kLstm, kGru };

struct Steps {
  int64_t count, batch;
  const int64_t* sizes;  // null where every step has the whole batch
  bool reverse;
  int64_t total;

  Steps(const TensorArg& sizes, int64_t count, int64_t batch, bool reverse)
      : count(count), batch(batch), sizes(sizes.as<int64_t>()), reverse(reverse), total(0) {
    for (int64_t t = 0; t < count; t++) total += rows(t);
  }
  int64_t rows(int64_t t) const { return sizes ? sizes[t] : batch; }
  // f(first row, rows) for every step in the order of computation, or backwards; stops where f fails.
  template <class F> bool each(bool backwards, F f) const {
    const bool down = reverse != backwards;
    int64_t at = down ? total : 0;
    for (int64_t k = 0; k < count; k++) {
      const int64_t n = rows(down ? count - 1 - k : k);
      if (down) at -= n;
      if (n > 0 && !f(at, n)) return false;
      if (!down) at += n;
    }
    return true;
  }
};

template <class C> struct Weights {
  const C* data;
  int64_t rows, columns, rs, cs;
  explicit Weights(const TensorArg& w)
      : data(w.as<C>()), rows(w ? w.sizes[0] : 0), columns(w ? w.sizes[1] : 0), rs(w ? w.strides[0] : 0), cs(w ? w.strides[1] : 0) {}
  // to [n, rows] = from [n, columns] · Wᵀ
  bool apply(int64_t n, const C* from, C* to, bool accumulate) const {
    return gemm<C>(n, rows, columns, from, columns, 1, data, cs, rs, to, rows, 1, accumulate);
  }
  // to [n, columns] = from [n, rows] · W
  bool applyTransposed(int64_t n, const C* from, C* to, bool accumulate) const {
    return gemm<C>(n, columns, rows, from, rows, 1, data, rs, cs, to, columns, 1, accumulate);
  }
};

// f(i) for rows of `width` gates.
template <class F> void eachRow(int64_t rows, int64_t width, F f) {
  parallelFor(rows, kPiece / 4 / std::max<int64_t>(width, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) f(i);
  });
}
template <class C> void copyRows(C* to, const C* from, int64_t n) {
  if (n > 0) std::memcpy(to, from, size_t(n) * sizeof(C));
}

// Gates become what they are after activation: i, f, g, o. `raw` is o · tanh(c).
template <class C> void lstmRow(C* gates, C* cell, C* cellBefore, C* raw, int64_t h) {
  C *i = gates, *f = i + h, *g = f + h, *o = g + h;
  eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
    const Vec<C> vi = vSigmoid<C>(get(i)), vf = vSigmoid<C>(get(f)), vg = vTanh<C>(get(g)), vo = vSigmoid<C>(get(o));
    const Vec<C> before = get(cell), c = vf * before + vi * vg;
    put(i, vi), put(f, vf), put(g, vg), put(o, vo);
    if (cellBefore) put(cellBefore, before);
    put(cell, c);
    put(raw, vo * vTanh<C>(c));
  });
}
template <class C>
void lstmRowBackward(const C* gates, const C* cellBefore, const C* gradRaw, C* gradCell, C* to, int64_t h) {
  const C *i = gates, *f = i + h, *g = f + h, *o = g + h;
  const Vec<C> one = splat<C>(C(1));
  eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
    const Vec<C> vi = get(i), vf = get(f), vg = get(g), vo = get(o), before = get(cellBefore), d = get(gradRaw);
    const Vec<C> tanhC = vTanh<C>(vf * before + vi * vg);
    const Vec<C> dc = get(gradCell) + d * vo * (one - tanhC * tanhC);
    put(gradCell, dc * vf);
    put(to, dc * vg * vi * (one - vi));
    put(to + h, dc * before * vf * (one - vf));
    put(to + 2 * h, dc * vi * (one - vg * vg));
    put(to + 3 * h, d * tanhC * vo * (one - vo));
  });
}

// Gates become r, z, n; `hidden` is h · Wᵀ + b, whose last part backward needs.
template <class C> void gruRow(C* gates, const C* hidden, C* state, C* hiddenNew, int64_t h) {
  C *r = gates, *z = r + h, *n = z + h;
  eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
    const Vec<C> vr = vSigmoid<C>(get(r) + get(hidden)), vz = vSigmoid<C>(get(z) + get(hidden + h)), hn = get(hidden + 2 * h);
    const Vec<C> vn = vTanh<C>(get(n) + vr * hn);
    put(r, vr), put(z, vz), put(n, vn);
    if (hiddenNew) put(hiddenNew, hn);
    put(state, (get(state) - vn) * vz + vn);
  });
}
template <class C>
void gruRowBackward(const C* gates, const C* hiddenNew, const C* before, C* grad, C* to, C* toHidden, int64_t h) {
  const C *r = gates, *z = r + h, *n = z + h;
  const Vec<C> one = splat<C>(C(1));
  eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
    const Vec<C> vr = get(r), vz = get(z), vn = get(n), d = get(grad);
    const Vec<C> dn = d * (one - vz) * (one - vn * vn), dr = dn * get(hiddenNew) * vr * (one - vr);
    const Vec<C> dz = d * (get(before) - vn) * vz * (one - vz);
    put(to, dr), put(to + h, dz), put(to + 2 * h, dn);
    put(toHidden, dr), put(toHidden + h, dz), put(toHidden + 2 * h, dn * vr);
    put(grad, d * vz);
  });
}

// What both directions are given.
template <class C> struct Layer {
  Mode mode;
  Weights<C> hidden, projection;
  int64_t h, p, width;  // units, what a state has of them after projection, gates
  Layer(Mode mode, const TensorArg& wHidden, const TensorArg& wProjection)
      : mode(mode), hidden(wHidden), projection(wProjection), h(hidden.rows / (mode == kLstm ? 4 : mode == kGru ? 3 : 1)),
        p(hidden.columns), width(hidden.rows) {}
};

template <class C>
int forward(const Layer<C>& layer, const Steps& steps, C* gates, const C* bias, C* state, C* cell, C* out, C* before,
            C* cellBefore, C* extra) {
  const int64_t h = layer.h, p = layer.p, width = layer.width;
  Scratch<C> scratch(layer.mode == kGru ? steps.batch * width : 0);
  if (!scratch) return kOutOfMemory;
  const bool ok = steps.each(false, [&](int64_t at, int64_t n) {
    C* g = gates + at * width;
    if (before) copyRows(before + at * p, state, n * p);
    if (layer.mode == kGru) {
      C* hidden = scratch.get();
      if (bias)
        for (int64_t i = 0; i < n; i++) copyRows(hidden + i * width, bias, width);
      if (!layer.hidden.apply(n, state, hidden, bias != nullptr)) return false;
      eachRow(n, width, [&](int64_t i) {
        gruRow<C>(g + i * width, hidden + i * width, state + i * h, extra ? extra + (at + i) * h : nullptr, h);
      });
    } else {
      if (!layer.hidden.apply(n, state, g, true)) return false;
      C* raw = layer.projection.data ? extra + at * h : state;
      eachRow(n, width, [&](int64_t i) {
        C* row = g + i * width;
        if (layer.mode == kLstm)
          return lstmRow<C>(row, cell + i * h, cellBefore ? cellBefore + (at + i) * h : nullptr, raw + i * h, h);
        eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
          const Vec<C> x = get(row), zero{};
          const Vec<C> y = layer.mode == kTanh ? vTanh<C>(x) : (x < zero ? zero : x);
          put(row, y), put(state + i * h, y);
        });
      });
      if (layer.projection.data && !layer.projection.apply(n, raw, state, false)) return false;
    }
    copyRows(out + at * p, state, n * p);
    return true;
  });
  return ok ? kOk : kOutOfMemory;
}

template <class C>
int backward(const Layer<C>& layer, const Steps& steps, const C* gates, const C* gradOut, C* grad, C* gradCell, const C* before,
             const C* cellBefore, const C* extra, C* to, C* toHidden, C* toProjected) {
  const int64_t h = layer.h, p = layer.p, width = layer.width;
  Scratch<C> scratch(layer.projection.data ? steps.batch * h : 0);
  if (!scratch) return kOutOfMemory;
  const bool ok = steps.each(true, [&](int64_t at, int64_t n) {
    const C* g = gates + at * width;
    C* dg = to + at * width;
    if (gradOut)
      eachVector<C>(n * p, [&](auto get, auto put) __attribute__((always_inline)) { put(grad, get(grad) + get(gradOut + at * p)); });
    const C* raw = grad;
    if (layer.projection.data) {
      copyRows(toProjected + at * p, grad, n * p);
      if (!layer.projection.applyTransposed(n, grad, scratch.get(), false)) return false;
      raw = scratch.get();
    }
    eachRow(n, width, [&](int64_t i) {
      const C* row = g + i * width;
      C* d = dg + i * width;
      if (layer.mode == kLstm)
        return lstmRowBackward<C>(row, cellBefore + (at + i) * h, raw + i * h, gradCell + i * h, d, h);
      if (layer.mode == kGru) {
        C* hidden = toHidden + (at + i) * width;
        return gruRowBackward<C>(row, extra + (at + i) * h, before + (at + i) * h, grad + i * h, d, hidden, h);
      }
      const Vec<C> one = splat<C>(C(1)), zero{};
      eachVector<C>(h, [&](auto get, auto put) __attribute__((always_inline)) {
        const Vec<C> y = get(row), dy = get(grad + i * h);
        put(d, layer.mode == kTanh ? dy * (one - y * y) : (y <= zero ? zero : dy));
      });
    });
    return layer.mode == kGru ? layer.hidden.applyTransposed(n, toHidden + at * width, grad, true)
                              : layer.hidden.applyTransposed(n, dg, grad, false);
  });
  return ok ? kOk : kOutOfMemory;
}

}  // namespace

// recurrent(mode, gates, wHidden, bias?, wProjection?, state, cell?, out, before?, cellBefore?, extra?, sizes?, steps, reverse)
// `gates` hold the input's part and receive the activated gates; `state` and `cell` hold the first and receive the last.
// `bias` is that of the hidden part of a GRU. What backward needs: the states before each step and, as `extra`, the
// unprojected output of an LSTM or the hidden part of a GRU's new gate. All but the weights contiguous.
KERNEL(recurrent) {
  const Mode mode = Mode(args.i32());
  const TensorArg gates = args.tensor(), wHidden = args.tensor(), bias = args.tensor(), wProjection = args.tensor(),
                  state = args.tensor(), cell = args.tensor(), out = args.tensor(), before = args.tensor(),
                  cellBefore = args.tensor(), extra = args.tensor(), sizes = args.tensor();
  const int64_t count = args.i64();
  const Steps steps(sizes, count, state.sizes[0], args.flag());
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return forward<C>(Layer<C>(mode, wHidden, wProjection), steps, gates.as<C>(), bias.as<C>(), state.as<C>(), cell.as<C>(),
                      out.as<C>(), before.as<C>(), cellBefore.as<C>(), extra.as<C>());
  };
  return gates.dtype == DType::f32 ? run(float{}) : gates.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

// recurrentBackward(mode, gates, wHidden, wProjection?, gradOut?, grad, gradCell?, before?, cellBefore?, extra?, gradGates,
// gradHidden?, gradProjected?, sizes?, steps, reverse): `grad` and `gradCell` hold the gradients of the last states and
// receive those of the first; gradGates are those of the gates' input parts, gradHidden of a GRU's hidden parts.
KERNEL(recurrentBackward) {
  const Mode mode = Mode(args.i32());
  const TensorArg gates = args.tensor(), wHidden = args.tensor(), wProjection = args.tensor(), gradOut = args.tensor(),
                  grad = args.tensor(), gradCell = args.tensor(), before = args.tensor(), cellBefore = args.tensor(),
                  extra = args.tensor(), gradGates = args.tensor(), gradHidden = args.tensor(), gradProjected = args.tensor(),
                  sizes = args.tensor();
  const int64_t count = args.i64();
  const Steps steps(sizes, count, grad.sizes[0], args.flag());
  const auto run = [&](auto tag) {
    using C = decltype(tag);
    return backward<C>(Layer<C>(mode, wHidden, wProjection), steps, gates.as<C>(), gradOut.as<C>(), grad.as<C>(),
                       gradCell.as<C>(), before.as<C>(), cellBefore.as<C>(), extra.as<C>(), gradGates.as<C>(),
                       gradHidden.as<C>(), gradProjected.as<C>());
  };
  return gates.dtype == DType::f32 ? run(float{}) : gates.dtype == DType::f64 ? run(double{}) : int(kUnsupported);
}

}  // namespace flambeau
