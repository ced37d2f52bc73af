#include "reduceops.hpp"

#include <limits>

#include "math.hpp"

namespace flambeau {
namespace {

// Integer sums wrap, so they are made of unsigned additions.
template <class V> FLAMBEAU_INLINE V add(V a, V b) { return a + b; }
template <class V> FLAMBEAU_INLINE V multiply(V a, V b) { return a * b; }
using VecI = Vec<int64_t>;
using VecU = Vec<uint64_t>;
template <> FLAMBEAU_INLINE VecI add(VecI a, VecI b) { return (VecI)((VecU)a + (VecU)b); }
template <> FLAMBEAU_INLINE VecI multiply(VecI a, VecI b) { return (VecI)((VecU)a * (VecU)b); }

template <class C> constexpr C lowest() {
  return std::numeric_limits<C>::has_infinity ? -std::numeric_limits<C>::infinity() : std::numeric_limits<C>::min();
}
template <class C> constexpr C highest() {
  return std::numeric_limits<C>::has_infinity ? std::numeric_limits<C>::infinity() : std::numeric_limits<C>::max();
}

// term(x, aux) is what an element contributes, join combines contributions, and padding(aux) contributes nothing.
template <class C> struct Sum {
  static constexpr bool hasAux = false;
  static C identity() { return 0; }
  static C padding(C) { return 0; }
  static FLAMBEAU_INLINE Vec<C> term(Vec<C> x, Vec<C>) { return x; }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) { return add(a, b); }
};
template <class C> struct Prod : Sum<C> {
  static C identity() { return 1; }
  static C padding(C) { return 1; }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) { return multiply(a, b); }
};
template <class C> struct Max : Sum<C> {
  static C identity() { return lowest<C>(); }
  static C padding(C) { return lowest<C>(); }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) {
    const Vec<C> m = a > b ? a : b;  // b where either is NaN
    return a == a ? m : a;
  }
};
template <class C> struct Min : Sum<C> {
  static C identity() { return highest<C>(); }
  static C padding(C) { return highest<C>(); }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) {
    const Vec<C> m = a < b ? a : b;
    return a == a ? m : a;
  }
};
template <class C> struct Any : Sum<C> {
  static FLAMBEAU_INLINE Vec<C> term(Vec<C> x, Vec<C>) { return x != splat<C>(0) ? splat<C>(1) : splat<C>(0); }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) { return a > b ? a : b; }
};
template <class C> struct All : Any<C> {
  static C identity() { return 1; }
  static C padding(C) { return 1; }
  static FLAMBEAU_INLINE Vec<C> join(Vec<C> a, Vec<C> b) { return a < b ? a : b; }
};
template <class C> struct SumOfSquares : Sum<C> {
  static FLAMBEAU_INLINE Vec<C> term(Vec<C> x, Vec<C>) { return multiply(x, x); }
};
template <class C> struct SumOfExp : Sum<C> {
  static constexpr bool hasAux = true;
  static C padding(C) { return lowest<C>(); }
  static FLAMBEAU_INLINE Vec<C> term(Vec<C> x, Vec<C> aux) { return vExp<C>(x - aux); }
};
template <class C> struct SquaredDeviations : Sum<C> {
  static constexpr bool hasAux = true;
  static C padding(C aux) { return aux; }
  static FLAMBEAU_INLINE Vec<C> term(Vec<C> x, Vec<C> aux) { return (x - aux) * (x - aux); }
};

// Lane i gets lane i + By; the compiler sees constant shuffles only.
template <int By, class C> FLAMBEAU_INLINE Vec<C> rotate(Vec<C> v) {
  constexpr int n = kLanes<C>;
  if constexpr (n == 16)
    return __builtin_shufflevector(v, v, By, By + 1, By + 2, By + 3, By + 4, By + 5, By + 6, By + 7, By + 8, By + 9, By + 10,
                                   By + 11, By + 12, By + 13, By + 14, By + 15);
  else if constexpr (n == 8)
    return __builtin_shufflevector(v, v, By, By + 1, By + 2, By + 3, By + 4, By + 5, By + 6, By + 7);
  else if constexpr (n == 4)
    return __builtin_shufflevector(v, v, By, By + 1, By + 2, By + 3);
  else
    return __builtin_shufflevector(v, v, By, By + 1);
}
template <class Op, class C> FLAMBEAU_INLINE C fold(Vec<C> v) {
  if constexpr (kLanes<C> >= 16) v = Op::join(v, rotate<8, C>(v));
  if constexpr (kLanes<C> >= 8) v = Op::join(v, rotate<4, C>(v));
  if constexpr (kLanes<C> >= 4) v = Op::join(v, rotate<2, C>(v));
  return Op::join(v, rotate<1, C>(v))[0];
}

template <class Op, class C> C row(const C* x, int64_t n, C aux) {
  constexpr int64_t w = kLanes<C>;
  const Vec<C> m = splat<C>(aux);
  Vec<C> a = splat<C>(Op::identity());
  int64_t i = 0;
  if (n >= 4 * w) {
    Vec<C> b = a, c = a, d = a;
    for (; i + 4 * w <= n; i += 4 * w) {
      a = Op::join(a, Op::term(load<C>(x + i), m));
      b = Op::join(b, Op::term(load<C>(x + i + w), m));
      c = Op::join(c, Op::term(load<C>(x + i + 2 * w), m));
      d = Op::join(d, Op::term(load<C>(x + i + 3 * w), m));
    }
    a = Op::join(Op::join(a, b), Op::join(c, d));
  }
  for (; i + w <= n; i += w) a = Op::join(a, Op::term(load<C>(x + i), m));
  if (i < n) a = Op::join(a, Op::term(loadEnd<C>(x + i, n - i, Op::padding(aux)), m));
  return fold<Op, C>(a);
}

template <class Op, class C> FLAMBEAU_INLINE Vec<C> columnsAt(const C* const* rows, int count, int64_t j, int64_t n, Vec<C> m) {
  constexpr int64_t w = kLanes<C>;
  const auto at = [&](int r) __attribute__((always_inline)) {
    return Op::term(j + w <= n ? load<C>(rows[r] + j) : loadEnd<C>(rows[r] + j, n - j, C(0)), m);
  };
  if (count == kColumnRows)
    return Op::join(Op::join(Op::join(at(0), at(1)), Op::join(at(2), at(3))),
                    Op::join(Op::join(at(4), at(5)), Op::join(at(6), at(7))));
  Vec<C> v = at(0);
  for (int r = 1; r < count; r++) v = Op::join(v, at(r));
  return v;
}

// acc and aux are padded to whole vectors.
template <class Op, class C> void columns(C* acc, const C* const* rows, int count, int64_t n, const C* aux) {
  constexpr int64_t w = kLanes<C>;
  const Vec<C> none{};
  int64_t j = 0;
  if (count == kColumnRows)
    for (; j + w <= n; j += w)
      store<C>(acc + j, Op::join(load<C>(acc + j), columnsAt<Op, C>(rows, kColumnRows, j, INT64_MAX, Op::hasAux ? load<C>(aux + j) : none)));
  for (; j < n; j += w)
    store<C>(acc + j, Op::join(load<C>(acc + j), columnsAt<Op, C>(rows, count, j, n, Op::hasAux ? load<C>(aux + j) : none)));
}

template <class Op, class C> C join(C a, C b) { return Op::join(splat<C>(a), splat<C>(b))[0]; }
template <class Op, class C> void joinRun(C* acc, const C* other, int64_t n) {
  constexpr int64_t w = kLanes<C>;
  for (int64_t j = 0; j < n; j += w) store<C>(acc + j, Op::join(load<C>(acc + j), load<C>(other + j)));
}

template <class Op, class C> ReduceTable<C> table() {
  return {Op::identity(), row<Op, C>, columns<Op, C>, join<Op, C>, joinRun<Op, C>};
}

}  // namespace

template <class C> const ReduceTable<C>& reduceTable(ReduceOp op) {
  if constexpr (std::numeric_limits<C>::has_infinity) {
    static const ReduceTable<C> tables[] = {table<Sum<C>, C>(), table<Prod<C>, C>(), table<Max<C>, C>(), table<Min<C>, C>(),
                                            table<Any<C>, C>(), table<All<C>, C>(), table<SumOfSquares<C>, C>(),
                                            table<SumOfExp<C>, C>(), table<SquaredDeviations<C>, C>()};
    return tables[int(op)];
  } else {
    static const ReduceTable<C> tables[] = {table<Sum<C>, C>(), table<Prod<C>, C>(), table<Max<C>, C>(),
                                            table<Min<C>, C>(), table<Any<C>, C>(), table<All<C>, C>(),
                                            table<SumOfSquares<C>, C>()};
    return tables[int(op)];
  }
}
template const ReduceTable<float>& reduceTable<float>(ReduceOp);
template const ReduceTable<double>& reduceTable<double>(ReduceOp);
template const ReduceTable<int64_t>& reduceTable<int64_t>(ReduceOp);

}  // namespace flambeau
