#include "reduction.hpp"

namespace flambeau {
namespace {

template <class C> constexpr int64_t kColumnRun = 4096 / int64_t(sizeof(C));
constexpr int64_t kLevelRows = 64;

template <class C> struct Reduction {
  const ReducePlan& plan;
  const ReduceTable<C>& table;
  Reader<C> reader;
  const char* x;
  const C* aux;
  const Emit<C>& emit;

  // Elements [begin, end) of one output, in runs that are summed as a binary counter counts: always equals with equals.
  C reduceRow(const char* base, int64_t begin, int64_t end, C m) const {
    C buffer[kRowRun];
    const int64_t inner = plan.reduced.count ? plan.reduced.loops[plan.reduced.count - 1].size : 1;
    if (end - begin <= kRowRun && (plan.reduced.count <= 1 || inner < 256))
      return table.row(reader.read(base, begin, end - begin, buffer), end - begin, m);
    C stack[64];
    int depth = 0;
    uint64_t count = 0;
    for (int64_t i = begin; i < end;) {
      int64_t n = std::min(end - i, kRowRun);
      if (plan.reduced.count > 1 && inner >= 256) n = std::min(n, inner - i % inner);
      C value = table.row(reader.read(base, i, n, buffer), n, m);
      for (uint64_t c = count++; c & 1; c >>= 1) value = table.join(stack[--depth], value);
      stack[depth++] = value;
      i += n;
    }
    C value = stack[--depth];
    while (depth > 0) value = table.join(stack[--depth], value);
    return value;
  }

  bool byRows() const {
    const int64_t length = plan.length, outputs = plan.outputs;
    const auto auxOf = [&](int64_t o) { return aux ? aux[o] : C(0); };
    if (outputs < kManyTasks && length >= 2 * kPiece) {
      const int64_t pieces = (length + kPiece - 1) / kPiece;
      Scratch<C> partial(outputs * pieces);
      if (!partial) return false;
      parallelChunks(outputs * pieces, [&](int64_t task) {
        const int64_t o = task / pieces, begin = task % pieces * kPiece;
        const Walk<1> at(plan.kept, o);
        partial.get()[task] =
            reduceRow(x + at.offsets[0] * reader.item, begin, std::min(begin + kPiece, length), auxOf(o));
      });
      for (int64_t o = 0; o < outputs; o++) {
        C* p = partial.get() + o * pieces;
        for (int64_t step = 1; step < pieces; step *= 2)
          for (int64_t i = 0; i + step < pieces; i += 2 * step) p[i] = table.join(p[i], p[i + step]);
        emit(o, p, 1);
      }
      return true;
    }
    parallelFor(outputs, kPiece / std::max<int64_t>(length, 1), [&](int64_t begin, int64_t end) {
      C values[256];
      Walk<1> at(plan.kept, begin);
      while (begin < end) {
        const int64_t run = std::min({at.run(), end - begin, int64_t(256)});
        for (int64_t i = 0; i < run; i++)
          values[i] = reduceRow(x + (at.offsets[0] + i * at.stride(0)) * reader.item, 0, length, auxOf(begin + i));
        emit(begin, values, run);
        at.advance(run);
        begin += run;
      }
    });
    return true;
  }

  // Rows [begin, end) of the n columns at `base` into acc; every 64 rows, and every 64 of those, start a fresh sum.
  void reduceColumns(const char* base, int64_t stride, int64_t begin, int64_t end, int64_t n, const C* m, C* acc) const {
    alignas(64) C converted[kColumnRows][kColumnRun<C>];
    alignas(64) C padded[kColumnRun<C>];
    alignas(64) C levels[2][kColumnRun<C>];
    const C* rows[kColumnRows];
    const bool direct = reader.same && stride == 1;
    if (m) {
      std::memcpy(padded, m, size_t(n) * sizeof(C));
      for (int64_t j = n; j % kLanes<C>; j++) padded[j] = 0;
    }
    const int64_t width = (n + kLanes<C> - 1) / kLanes<C> * kLanes<C>;
    for (C* to : {acc, levels[0], levels[1]}) std::fill(to, to + width, table.identity);
    Walk<1> at(plan.reduced, begin);
    for (int64_t done = 0; begin + done < end;) {
      const int count = int(std::min<int64_t>(kColumnRows, end - begin - done));
      for (int r = 0; r < count; r++) {
        const char* p = base + at.offsets[0] * reader.item;
        if (direct) rows[r] = reinterpret_cast<const C*>(p);
        else reader.load(p, stride, n, converted[r]), rows[r] = converted[r];
        at.advance(1);
      }
      table.columns(levels[0], rows, count, n, m ? padded : nullptr);
      done += count;
      if (done % kLevelRows == 0) {
        table.joinRun(levels[1], levels[0], n);
        std::fill(levels[0], levels[0] + width, table.identity);
      }
      if (done % (kLevelRows * kLevelRows) == 0) {
        table.joinRun(acc, levels[1], n);
        std::fill(levels[1], levels[1] + width, table.identity);
      }
    }
    table.joinRun(levels[1], levels[0], n);
    table.joinRun(acc, levels[1], n);
  }

  bool byColumns() const {
    const Loop& column = plan.kept.loops[plan.kept.count - 1];
    const int64_t width = column.size, length = plan.length, outer = plan.outputs / width;
    const int64_t blocks = (width + kColumnRun<C> - 1) / kColumnRun<C>;
    const int64_t block = ((width + blocks - 1) / blocks + 15) / 16 * 16;
    const int64_t tasks = outer * blocks, pieceRows = std::max<int64_t>(64, 2 * kPiece / block);
    const int64_t pieces = tasks < kManyTasks ? (length + pieceRows - 1) / pieceRows : 1;
    const auto reduceTask = [&](int64_t task, int64_t begin, int64_t end, C* acc) {
      const int64_t first = task / blocks * width + task % blocks * block;
      const int64_t n = std::min(block, width - task % blocks * block);
      if (n <= 0) return;
      const Walk<1> at(plan.kept, first);
      reduceColumns(x + at.offsets[0] * reader.item, column.strides[0], begin, end, n, aux ? aux + first : nullptr, acc);
    };
    const auto emitTask = [&](int64_t task, C* acc) {
      const int64_t n = std::min(block, width - task % blocks * block);
      if (n > 0) emit(task / blocks * width + task % blocks * block, acc, n);
    };
    if (pieces > 1) {
      Scratch<C, 8> partial(tasks * pieces * block);
      if (!partial) return false;
      parallelChunks(tasks * pieces, [&](int64_t i) {
        const int64_t begin = i % pieces * pieceRows;
        reduceTask(i / pieces, begin, std::min(begin + pieceRows, length), partial.get() + i * block);
      });
      for (int64_t task = 0; task < tasks; task++) {
        C* p = partial.get() + task * pieces * block;
        const int64_t n = std::min(block, width - task % blocks * block);
        for (int64_t step = 1; step < pieces; step *= 2)
          for (int64_t i = 0; i + step < pieces; i += 2 * step) table.joinRun(p + i * block, p + (i + step) * block, n);
        emitTask(task, p);
      }
      return true;
    }
    parallelFor(tasks, kPiece / std::max<int64_t>(length * block, 1), [&](int64_t begin, int64_t end) {
      alignas(64) C acc[kColumnRun<C>];
      for (int64_t task = begin; task < end; task++) {
        reduceTask(task, 0, length, acc);
        emitTask(task, acc);
      }
    });
    return true;
  }
};

}  // namespace

template <class C>
bool runReduction(const ReducePlan& plan, const TensorArg& x, ReduceOp op, const C* aux, const Emit<C>& emit) {
  if (plan.outputs == 0) return true;
  const Reduction<C> reduction{plan, reduceTable<C>(op), Reader<C>(x.dtype, plan.reduced), x.data, aux, emit};
  return plan.byColumns ? reduction.byColumns() : reduction.byRows();
}
template bool runReduction<float>(const ReducePlan&, const TensorArg&, ReduceOp, const float*, const Emit<float>&);
template bool runReduction<double>(const ReducePlan&, const TensorArg&, ReduceOp, const double*, const Emit<double>&);
template bool runReduction<int64_t>(const ReducePlan&, const TensorArg&, ReduceOp, const int64_t*, const Emit<int64_t>&);

}  // namespace flambeau
