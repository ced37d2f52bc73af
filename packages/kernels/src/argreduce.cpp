#include "reduction.hpp"

namespace flambeau {
namespace {

// Lane masks and positions have the width of the values they go with.
template <class C> struct PositionOf { using type = int64_t; };
template <> struct PositionOf<float> { using type = int32_t; };

template <class C, bool Largest> FLAMBEAU_INLINE bool better(C a, C b) {
  return Largest ? a > b || (a != a && b == b) : a < b || (a != a && b == b);
}

template <class C, bool Largest> struct ArgReduction {
  using Position = typename PositionOf<C>::type;
  static constexpr int64_t kRun = 4096 / int64_t(sizeof(C));

  const ReducePlan& plan;
  const ReduceTable<C>& table;
  Reader<C> reader;
  const char* x;
  Emit<C> values;
  Emit<int64_t> indices;

  // The best run is found by value alone, its first best element afterwards.
  void reduceRow(const char* base, int64_t begin, int64_t end, C& best, int64_t& index) const {
    C buffer[kRowRun];
    int64_t bestRun = begin;
    const C* p = nullptr;
    for (int64_t i = begin; i < end; i += kRowRun) {
      const int64_t n = std::min(end - i, kRowRun);
      p = reader.read(base, i, n, buffer);
      const C v = table.row(p, n, C(0));
      if (i == begin || better<C, Largest>(v, best)) best = v, bestRun = i;
    }
    const int64_t n = std::min(end - bestRun, kRowRun);
    if (end - begin > kRowRun) p = reader.read(base, bestRun, n, buffer);
    int64_t i = 0;
    const auto found = [&](C v) { return v == best || v != v; };
    for (; i + 64 <= n; i += 64) {
      int hits = 0;
      for (int k = 0; k < 64; k++) hits |= found(p[i + k]);
      if (hits) break;
    }
    while (i < n && !found(p[i])) i++;
    index = bestRun + i;
  }

  static void joinRows(const C* const* rows, int count, int64_t first, int64_t n, C* best, Position* at) {
    for (int64_t j = 0; j < n; j += kLanes<C>) {
      const bool whole = j + kLanes<C> <= n;
      Vec<C> b = load<C>(best + j);
      Vec<Position> p = load<Position>(at + j);
      for (int r = 0; r < count; r++) {
        const Vec<C> v = whole ? load<C>(rows[r] + j) : loadEnd<C>(rows[r] + j, n - j, C(0));
        const Vec<Position> wins = Largest ? (Vec<Position>)(v > b) : (Vec<Position>)(v < b);
        const Vec<Position> firstNaN = (Vec<Position>)(v != v) & (Vec<Position>)(b == b);
        const Vec<Position> mask = wins | firstNaN;
        b = mask ? v : b;
        p = mask ? splat<Position>(Position(first + r)) : p;
      }
      store<C>(best + j, b);
      store<Position>(at + j, p);
    }
  }

  void reduceColumns(const char* base, int64_t stride, int64_t begin, int64_t end, int64_t n, C* best, int64_t* index) const {
    alignas(64) C converted[kColumnRows][kRun];
    alignas(64) Position at[kRun];
    const C* rows[kColumnRows];
    const bool direct = reader.same && stride == 1;
    Walk<1> walk(plan.reduced, begin);
    for (int64_t i = begin; i < end;) {
      const int count = int(std::min<int64_t>(kColumnRows, end - i));
      for (int r = 0; r < count; r++) {
        const char* p = base + walk.offsets[0] * reader.item;
        if (direct) rows[r] = reinterpret_cast<const C*>(p);
        else reader.load(p, stride, n, converted[r]), rows[r] = converted[r];
        walk.advance(1);
      }
      if (i == begin) {
        std::copy(rows[0], rows[0] + n, best);
        std::fill(best + n, best + (n + kLanes<C> - 1) / kLanes<C> * kLanes<C>, C(0));
        std::fill(at, at + kRun, Position(0));
      }
      joinRows(rows, count, i - begin, n, best, at);
      i += count;
    }
    for (int64_t j = 0; j < n; j++) index[j] = begin + at[j];
  }

  // Partial results of consecutive pieces are joined in their order, so that the first of equals wins.
  bool byRows() {
    const int64_t length = plan.length, outputs = plan.outputs;
    const int64_t pieces = outputs < kManyTasks && length >= 2 * kPiece ? (length + kPiece - 1) / kPiece : 1;
    if (pieces > 1) {
      Scratch<C> best(outputs * pieces);
      Scratch<int64_t> index(outputs * pieces);
      if (!best || !index) return false;
      parallelChunks(outputs * pieces, [&](int64_t i) {
        const Walk<1> at(plan.kept, i / pieces);
        const int64_t begin = i % pieces * kPiece;
        reduceRow(x + at.offsets[0] * reader.item, begin, std::min(begin + kPiece, length), best.get()[i], index.get()[i]);
      });
      for (int64_t o = 0; o < outputs; o++) {
        C* b = best.get() + o * pieces;
        int64_t* p = index.get() + o * pieces;
        for (int64_t i = 1; i < pieces; i++)
          if (better<C, Largest>(b[i], b[0])) b[0] = b[i], p[0] = p[i];
        values(o, b, 1);
        indices(o, p, 1);
      }
      return true;
    }
    parallelFor(outputs, kPiece / length, [&](int64_t begin, int64_t end) {
      C best[256];
      int64_t index[256];
      Walk<1> at(plan.kept, begin);
      while (begin < end) {
        const int64_t run = std::min({at.run(), end - begin, int64_t(256)});
        for (int64_t i = 0; i < run; i++)
          reduceRow(x + (at.offsets[0] + i * at.stride(0)) * reader.item, 0, length, best[i], index[i]);
        values(begin, best, run);
        indices(begin, index, run);
        at.advance(run);
        begin += run;
      }
    });
    return true;
  }

  bool byColumns() {
    const Loop& column = plan.kept.loops[plan.kept.count - 1];
    const int64_t width = column.size, length = plan.length, blocks = (width + kRun - 1) / kRun;
    const int64_t block = ((width + blocks - 1) / blocks + 15) / 16 * 16, tasks = plan.outputs / width * blocks;
    const int64_t pieceRows = std::max<int64_t>(64, 2 * kPiece / block);
    const int64_t pieces = tasks < kManyTasks ? (length + pieceRows - 1) / pieceRows : 1;
    const auto sizeOf = [&](int64_t task) { return std::min(block, width - task % blocks * block); };
    const auto firstOf = [&](int64_t task) { return task / blocks * width + task % blocks * block; };
    const auto reduceTask = [&](int64_t task, int64_t begin, int64_t end, C* best, int64_t* index) {
      if (sizeOf(task) <= 0) return;
      const Walk<1> at(plan.kept, firstOf(task));
      reduceColumns(x + at.offsets[0] * reader.item, column.strides[0], begin, end, sizeOf(task), best, index);
    };
    Scratch<C, 8> bests(pieces > 1 ? tasks * pieces * block : 0);
    Scratch<int64_t, 8> positions(pieces > 1 ? tasks * pieces * block : 0);
    if (!bests || !positions) return false;
    if (pieces > 1)
      parallelChunks(tasks * pieces, [&](int64_t i) {
        const int64_t begin = i % pieces * pieceRows;
        reduceTask(i / pieces, begin, std::min(begin + pieceRows, length), bests.get() + i * block,
                   positions.get() + i * block);
      });
    parallelFor(tasks, kPiece / (length * block), [&](int64_t begin, int64_t end) {
      alignas(64) C local[kRun];
      int64_t localIndex[kRun];
      for (int64_t task = begin; task < end; task++) {
        C* best = local;
        int64_t* index = localIndex;
        const int64_t n = sizeOf(task);
        if (n <= 0) continue;
        if (pieces == 1) {
          reduceTask(task, 0, length, best, index);
        } else {
          best = bests.get() + task * pieces * block;
          index = positions.get() + task * pieces * block;
          for (int64_t i = 1; i < pieces; i++)
            for (int64_t j = 0; j < n; j++)
              if (better<C, Largest>(best[i * block + j], best[j]))
                best[j] = best[i * block + j], index[j] = index[i * block + j];
        }
        values(firstOf(task), best, n);
        indices(firstOf(task), index, n);
      }
    });
    return true;
  }
};

template <class C, bool Largest>
int argReduce(const ReducePlan& plan, const TensorArg& x, const TensorArg& values, const TensorArg& indices) {
  Emit<C> emitValues{plan};
  if (values) emitValues.out = &values;
  Emit<int64_t> emitIndices{plan};
  emitIndices.out = &indices;
  emitIndices.slot = values ? 2 : 1;
  ArgReduction<C, Largest> reduction{plan,       reduceTable<C>(Largest ? ReduceOp::max : ReduceOp::min),
                                     Reader<C>(x.dtype, plan.reduced), x.data, emitValues, emitIndices};
  return (plan.byColumns && plan.length < INT32_MAX ? reduction.byColumns() : reduction.byRows()) ? kOk : kOutOfMemory;
}

}  // namespace

// reduceIndex(kind 0 max | 1 min, x, values?, indices, r): the extreme of the last r dimensions and its row-major index
// among them. The first of equals counts, and a NaN is more extreme than any number.
KERNEL(reduceIndex) {
  const bool largest = args.i32() == 0;
  const TensorArg x = args.tensor(), values = args.tensor(), indices = args.tensor();
  const int r = args.i32();
  const ReducePlan plan = values ? ReducePlan(x, r, values, &indices, true) : ReducePlan(x, r, indices, nullptr, true);
  if (plan.outputs == 0) return kOk;
  if (plan.length == 0 || indices.dtype != DType::i64) return kUnsupported;
  return dispatchCompute(x.dtype, x.dtype, [&](auto tag) -> int {
    using C = decltype(tag);
    return largest ? argReduce<C, true>(plan, x, values, indices) : argReduce<C, false>(plan, x, values, indices);
  });
}

}  // namespace flambeau
