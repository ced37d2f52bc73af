// The pointwise machine: runs a program over tiles that stay in the first-level cache. Operands of the class's own type and
// contiguous are used where they lie; everything else is gathered into scratch tiles and scattered back from them.
#include <atomic>

#include "program.hpp"

namespace flambeau {
namespace {

constexpr int kMaxOperands = kMaxProgramInputs + kMaxProgramOutputs;
constexpr int64_t kScratchBytes = 160 << 10, kCacheBytes = 24 << 10;
constexpr int64_t kMinTile = 64, kMaxTile = 2048;
constexpr int64_t kBlockRows = 16;       // a cache line of 4-byte elements
constexpr int64_t kWork = 65536;         // additions a thread takes at a time
constexpr int64_t kShortRow = 512, kMediumRow = 1024;

enum class Feed : uint8_t { direct, uniform, gather, repeated };

// How the index space is walked: row by row, through several short rows at a time, or in blocks of two dimensions.
enum class Walk : uint8_t { rows, linear, blocks };

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// What a call says and what was decided about it; read-only while threads run.
struct Call {
  const Program* program;
  int ndim, operands;
  Walk walk;
  bool scratchFree;  // nothing but operands is touched, so tiles may be of any length
  int64_t numel, inner, tile, tileBytes, columns;
  std::atomic<int> status;
  int64_t sizes[kMaxDims];
  // Operands are the outputs, then the inputs.
  char* data[kMaxOperands];
  DType dtype[kMaxOperands];
  uint8_t width[kMaxOperands];
  Feed feed[kMaxProgramInputs];
  int64_t inputScratch[kMaxProgramInputs];
  bool outputDirect[kMaxProgramOutputs];
  int8_t target[kMaxInstructions];  // the output a value is written to where it is made, or -1
  uint8_t broadcast[kMaxInstructions];
  LoadFn load[kMaxProgramInputs];
  StoreFn store[kMaxProgramOutputs];
  alignas(64) char scalars[kMaxProgramScalars * kSplatBytes];
  int64_t strides[kFrameSlots];

  int64_t stride(int operand, int d) const { return strides[operand * ndim + d]; }
  const int64_t* stridesOf(int operand) const { return strides + operand * ndim; }
  int input(int i) const { return program->outputs + i; }

  // Shifts dimension `from` to position `to`, the ones between moving up.
  void moveDim(int from, int to) {
    const auto shift = [&](int64_t* v) {
      const int64_t moved = v[from];
      for (int d = from; d < to; d++) v[d] = v[d + 1];
      v[to] = moved;
    };
    shift(sizes);
    for (int k = 0; k < operands; k++) shift(strides + k * ndim);
  }
  int unitDim(int operand) const {
    for (int d = ndim - 1; d >= 0; d--)
      if (stride(operand, d) == 1) return d;
    return -1;
  }
  bool contiguous(int operand) const {
    int64_t expected = 1;
    for (int d = ndim - 1; d >= 0; expected *= sizes[d--])
      if (stride(operand, d) != expected) return false;
    return true;
  }
  bool expandedOver(int operand, int dims) const {
    for (int d = 0; d < dims; d++)
      if (stride(operand, d) != 0) return false;
    return true;
  }

  bool parse(Args& args);
  void chooseWalk();
  void classify();
  void chooseTile();
};

bool Call::parse(Args& args) {
  program = findProgram(args.i64());
  const int dims = args.i32();
  if (!program || dims < 0 || dims > kMaxDims) return false;
  operands = program->outputs + program->inputs;
  // Dimensions of size 1 are dropped; where none is left there is one element.
  uint64_t kept = 0;
  ndim = 0;
  numel = 1;
  for (int d = 0; d < dims; d++) {
    const int64_t size = args.i64();
    numel *= size;
    if (size == 1) continue;
    kept |= uint64_t(1) << d;
    sizes[ndim++] = size;
  }
  const bool single = ndim == 0;
  if (single) sizes[ndim++] = 1;
  int64_t* next = strides;
  for (int k = 0; k < operands; k++) {
    data[k] = args.address();
    const int code = args.i32();
    if (code < 0 || code >= kDTypes) return false;
    dtype[k] = DType(code);
    width[k] = uint8_t(itemSize(dtype[k]));
    for (int d = 0; d < dims; d++) {
      const int64_t value = args.i64();
      if (kept >> d & 1) *next++ = value;
    }
    if (single) *next++ = 1;
  }
  for (int i = 0; i < program->scalars; i++) fillSplat(program->computeClass, scalars + i * kSplatBytes, args.f64());
  return true;
}

void Call::chooseWalk() {
  walk = Walk::rows;
  inner = sizes[ndim - 1];
  if (ndim == 1) return;
  // The first output decides the direction to run in.
  if (stride(0, ndim - 1) != 1) {
    const int d = unitDim(0);
    if (d >= 0) moveDim(d, ndim - 1);
    inner = sizes[ndim - 1];
  }
  if (numel >= 256 && inner >= 8) {
    for (int i = 0; i < program->inputs; i++) {
      const int operand = input(i);
      if (stride(operand, ndim - 1) <= 1) continue;
      const int d = unitDim(operand);
      if (d < 0 || sizes[d] < 8) continue;
      moveDim(d, ndim - 2);
      walk = Walk::blocks;
      return;
    }
  }
  if (inner < kShortRow) {
    walk = Walk::linear;
  } else if (inner <= kMediumRow) {
    // Several rows a tile pay off where no operand has to be copied tile by tile for it.
    for (int k = 0; k < operands; k++)
      if (!contiguous(k) && (k < program->outputs || !expandedOver(k, ndim - 1))) return;
    walk = Walk::linear;
  }
}

void Call::classify() {
  const Program& p = *program;
  const DType own = kClassDType[p.computeClass];
  scratchFree = true;
  for (int i = 0; i < p.inputs; i++) {
    const int operand = input(i);
    const int64_t step = stride(operand, ndim - 1);
    if (expandedOver(operand, ndim)) feed[i] = Feed::uniform;
    else if (walk == Walk::linear)
      feed[i] = dtype[operand] == own && contiguous(operand) ? Feed::direct
                : expandedOver(operand, ndim - 1)            ? Feed::repeated
                                                             : Feed::gather;
    else if (walk == Walk::rows && step == 0) feed[i] = Feed::uniform;
    else feed[i] = step == 1 && dtype[operand] == own ? Feed::direct : Feed::gather;
    if (feed[i] != Feed::direct) load[i] = loadFor(p.computeClass, dtype[operand]);
    if (feed[i] == Feed::gather || feed[i] == Feed::repeated) scratchFree = false;
  }
  for (int k = 0; k < p.instructions; k++) {
    const Instruction& code = p.code[k];
    unsigned mask = code.uniform;
    if (code.a < p.inputs && feed[code.a] == Feed::uniform) mask |= 1;
    if (code.b < p.inputs && feed[code.b] == Feed::uniform) mask |= 2;
    if (code.c < p.inputs && feed[code.c] == Feed::uniform) mask |= 4;
    broadcast[k] = uint8_t(mask);
    target[k] = -1;
  }
  for (int o = 0; o < p.outputs; o++) {
    const int value = p.outputValue[o];
    bool direct = dtype[o] == own && target[value] < 0 && (walk == Walk::linear ? contiguous(o) : stride(o, ndim - 1) == 1);
    // Written early, an output would destroy an input that shares its memory and is still to be read.
    for (int i = 0; direct && i < p.inputs; i++) direct = data[input(i)] != data[o] || p.lastRead[i] <= value;
    outputDirect[o] = direct;
    if (direct) target[value] = int8_t(o);
    else {
      store[o] = storeFor(p.computeClass, dtype[o]);
      scratchFree = false;
    }
  }
  for (int k = 0; scratchFree && k < p.instructions; k++) scratchFree = target[k] >= 0;
}

void Call::chooseTile() {
  const Program& p = *program;
  int gathered = 0, streamed = 0;
  for (int i = 0; i < p.inputs; i++) {
    gathered += feed[i] == Feed::gather || feed[i] == Feed::repeated;
    streamed += feed[i] == Feed::direct;
  }
  const int64_t item = p.itemSize;
  if (walk == Walk::blocks) {
    // Gathered operands hold a whole block, values one row of it.
    const int64_t weight = gathered * kBlockRows + p.slots;
    for (columns = 256; columns > 16 && columns * weight * item > kCacheBytes;) columns /= 2;
    tile = columns;
    tileBytes = columns * item;
    for (int i = 0, n = 0; i < p.inputs; i++)
      if (feed[i] == Feed::gather) inputScratch[i] = (p.slots + kBlockRows * n++) * tileBytes;
      else if (feed[i] == Feed::uniform) inputScratch[i] = -1;
    return;
  }
  if (scratchFree) {
    tile = least(kWork / p.cost + 1023, int64_t(1) << 20) & ~int64_t(1023);
  } else {
    // What is only streamed through counts once more, as it passes through the cache too.
    const int64_t weight = (p.slots + gathered + streamed) * item;
    for (tile = kMaxTile; tile > kMinTile && tile * weight > kCacheBytes;) tile /= 2;
    if (tile < 256 && 256 * (p.slots + gathered) * item <= kScratchBytes) tile = 256;
  }
  if (walk == Walk::linear) {
    if (tile < inner) tile = inner;
    tile -= tile % inner;
    if ((p.slots + gathered) * tile * item > kScratchBytes) {
      // Too many live values for whole rows: go row by row after all.
      walk = Walk::rows;
      classify();
      return chooseTile();
    }
  }
  // Without scratch the tile may be longer than scratch memory: values then have no place in it.
  tileBytes = scratchFree ? 0 : (tile * item + 63) & ~int64_t(63);
  for (int i = 0, n = 0; i < p.inputs; i++)
    if (feed[i] == Feed::gather || feed[i] == Feed::repeated) inputScratch[i] = (p.slots + n++) * tileBytes;
}

// A thread's view of a call: where each operand of the current tile is.
class Worker {
  Call& call_;
  const Program& p_;
  int64_t offset_[kMaxOperands];  // of the current row, in elements
  int64_t index_[kMaxDims];
  void* at_[kMaxProgramOperands];
  alignas(64) char splats_[kMaxProgramInputs * kSplatBytes];
  alignas(64) char scratch_[kScratchBytes];

  char* element(int operand, int64_t offset) const { return call_.data[operand] + offset * call_.width[operand]; }

  // Puts the offsets at position `row` of the first `dims` dimensions.
  void seek(int64_t row, int dims) {
    for (int k = 0; k < call_.operands; k++) offset_[k] = 0;
    for (int d = dims - 1; d >= 0; d--) {
      index_[d] = row % call_.sizes[d];
      row /= call_.sizes[d];
      if (index_[d] == 0) continue;
      for (int k = 0; k < call_.operands; k++) offset_[k] += index_[d] * call_.stride(k, d);
    }
  }
  void advance(int dims) {
    for (int d = dims - 1; d >= 0; d--) {
      if (++index_[d] < call_.sizes[d]) {
        for (int k = 0; k < call_.operands; k++) offset_[k] += call_.stride(k, d);
        return;
      }
      index_[d] = 0;
      for (int k = 0; k < call_.operands; k++) offset_[k] -= (call_.sizes[d] - 1) * call_.stride(k, d);
    }
  }

  void splat(int i, int64_t offset) {
    call_.load[i](at_[i], 0, element(call_.input(i), offset), 1, 0, kSplatBytes / p_.itemSize, 0);
  }
  void splatExpanded() {
    for (int i = 0; i < p_.inputs; i++)
      if (call_.feed[i] == Feed::uniform) splat(i, 0);
  }

  void execute(int64_t n) {
    const int first = p_.firstValue();
    for (int k = 0; k < p_.instructions; k++) {
      const Instruction& code = p_.code[k];
      const int status = code.run(at_[first + k], at_[code.a], at_[code.b], at_[code.c], call_.broadcast[k], n);
      if (status != kOk) call_.status.store(status, std::memory_order_relaxed);
    }
  }
  void target(int o, int64_t offset) { at_[p_.firstValue() + p_.outputValue[o]] = element(o, offset); }
  const void* result(int o) const { return at_[p_.firstValue() + p_.outputValue[o]]; }

  // One stretch of a row of every operand, from the current offsets on.
  void stretch(int64_t from, int64_t n) {
    const int last = call_.ndim - 1;
    // A copy needs no tile of its own: it is gathered into, or scattered from, the operand itself.
    if (p_.isCopy && call_.feed[0] == Feed::gather && call_.outputDirect[0]) {
      const int64_t step = call_.stride(1, last);
      return call_.load[0](element(0, offset_[0] + from), 0, element(1, offset_[1] + from * step), 1, 0, n, step);
    }
    for (int i = 0; i < p_.inputs; i++) {
      const int k = call_.input(i);
      const int64_t step = call_.stride(k, last);
      if (call_.feed[i] == Feed::direct) at_[i] = element(k, offset_[k] + from);
      else if (call_.feed[i] == Feed::gather) call_.load[i](at_[i], 0, element(k, offset_[k] + from * step), 1, 0, n, step);
    }
    for (int o = 0; o < p_.outputs; o++)
      if (call_.outputDirect[o]) target(o, offset_[o] + from);
    const bool plain = p_.isCopy && call_.feed[0] == Feed::direct && !call_.outputDirect[0];
    if (!plain) execute(n);
    for (int o = 0; o < p_.outputs; o++) {
      if (call_.outputDirect[o]) continue;
      const int64_t step = call_.stride(o, last);
      call_.store[o](element(o, offset_[o] + from * step), 0, step, plain ? at_[0] : result(o), 1, n);
    }
  }

  // A stretch of several whole rows, for an operand that is not contiguous over them: move(offset, first, rows) for each
  // run of rows along the second-last dimension.
  template <class F> void eachRun(int operand, int64_t row, int64_t rows, F move) {
    const int d = call_.ndim - 2;
    for (int64_t done = 0; done < rows;) {
      int64_t rest = row + done, offset = 0;
      const int64_t run = least(rows - done, call_.sizes[d] - rest % call_.sizes[d]);
      for (int k = d; k >= 0; k--) {
        offset += rest % call_.sizes[k] * call_.stride(operand, k);
        rest /= call_.sizes[k];
      }
      move(element(operand, offset), done, run);
      done += run;
    }
  }

 public:
  explicit Worker(Call& call) : call_(call), p_(*call.program) {
    for (int i = 0; i < p_.inputs; i++)
      at_[i] = call.feed[i] == Feed::uniform  ? splats_ + i * kSplatBytes
               : call.feed[i] == Feed::direct ? call.data[call.input(i)]
                                              : scratch_ + call.inputScratch[i];
    for (int i = 0; i < p_.scalars; i++) at_[p_.firstScalar() + i] = call.scalars + i * kSplatBytes;
    for (int i = 0; i < p_.consts; i++) at_[p_.firstConst() + i] = p_.constSplats + i * kSplatBytes;
    for (int k = 0; k < p_.instructions; k++) at_[p_.firstValue() + k] = scratch_ + p_.code[k].slot * call.tileBytes;
  }

  void rows(int64_t begin, int64_t end, int64_t segments) {
    const int outer = call_.ndim - 1;
    seek(begin / segments, outer);
    int64_t segment = begin % segments;
    const auto enter = [&] {
      for (int i = 0; i < p_.inputs; i++)
        if (call_.feed[i] == Feed::uniform) splat(i, offset_[call_.input(i)]);
    };
    enter();
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t from = segment * call_.tile;
      stretch(from, least(call_.tile, call_.inner - from));
      if (++segment == segments) {
        segment = 0;
        if (unit + 1 == end) break;
        advance(outer);
        enter();
      }
    }
  }

  void linear(int64_t begin, int64_t end) {
    const int64_t inner = call_.inner, most = least(call_.tile, call_.numel) / inner;
    const int last = call_.ndim - 1;
    splatExpanded();
    for (int i = 0; i < p_.inputs; i++)
      if (call_.feed[i] == Feed::repeated) {
        const int k = call_.input(i);
        call_.load[i](at_[i], inner, element(k, 0), most, 0, inner, call_.stride(k, last));
      }
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t from = unit * call_.tile, n = least(call_.tile, call_.numel - from), row = from / inner, rows = n / inner;
      for (int i = 0; i < p_.inputs; i++) {
        const int k = call_.input(i);
        if (call_.feed[i] == Feed::direct) at_[i] = element(k, from);
        else if (call_.feed[i] == Feed::gather)
          eachRun(k, row, rows, [&](const char* src, int64_t first, int64_t run) {
            call_.load[i](static_cast<char*>(at_[i]) + first * inner * p_.itemSize, inner, src, run, call_.stride(k, last - 1), inner,
                          call_.stride(k, last));
          });
      }
      for (int o = 0; o < p_.outputs; o++)
        if (call_.outputDirect[o]) target(o, from);
      execute(n);
      for (int o = 0; o < p_.outputs; o++)
        if (!call_.outputDirect[o])
          eachRun(o, row, rows, [&](char* dst, int64_t first, int64_t run) {
            call_.store[o](dst, call_.stride(o, last - 1), call_.stride(o, last),
                           static_cast<const char*>(result(o)) + first * inner * p_.itemSize, run, inner);
          });
    }
  }

  // Blocks of the last two dimensions, for operands whose contiguous dimension is the second-last.
  void blocks(int64_t begin, int64_t end, int64_t blockRows, int64_t blockColumns) {
    const int last = call_.ndim - 1, outer = call_.ndim - 2;
    splatExpanded();
    for (int64_t unit = begin; unit < end; unit++) {
      // Columns vary slowest in a plane, so that the lines read for one block serve the next.
      const int64_t plane = unit / (blockRows * blockColumns), within = unit % (blockRows * blockColumns);
      const int64_t r0 = within % blockRows * kBlockRows, c0 = within / blockRows * call_.columns;
      const int64_t rows = least(kBlockRows, call_.sizes[outer] - r0), cols = least(call_.columns, call_.inner - c0);
      seek(plane, outer);
      const auto corner = [&](int k, int64_t r) { return element(k, offset_[k] + (r0 + r) * call_.stride(k, outer) + c0 * call_.stride(k, last)); };
      if (p_.isCopy && call_.outputDirect[0]) {
        call_.load[0](corner(0, 0), call_.stride(0, outer), corner(1, 0), rows, call_.stride(1, outer), cols, call_.stride(1, last));
        continue;
      }
      for (int i = 0; i < p_.inputs; i++) {
        const int k = call_.input(i);
        if (call_.feed[i] == Feed::gather)
          call_.load[i](scratch_ + call_.inputScratch[i], cols, corner(k, 0), rows, call_.stride(k, outer), cols, call_.stride(k, last));
      }
      for (int64_t r = 0; r < rows; r++) {
        for (int i = 0; i < p_.inputs; i++) {
          if (call_.feed[i] == Feed::direct) at_[i] = corner(call_.input(i), r);
          else if (call_.feed[i] == Feed::gather) at_[i] = scratch_ + call_.inputScratch[i] + r * cols * p_.itemSize;
        }
        for (int o = 0; o < p_.outputs; o++)
          if (call_.outputDirect[o]) at_[p_.firstValue() + p_.outputValue[o]] = corner(o, r);
        execute(cols);
        for (int o = 0; o < p_.outputs; o++)
          if (!call_.outputDirect[o]) call_.store[o](corner(o, r), 0, call_.stride(o, last), result(o), 1, cols);
      }
    }
  }
};

template <class F> void spread(const Call& call, int64_t units, int64_t unitElements, F&& f) {
  // A cast or gathered element costs some work beyond the program's own.
  const int64_t grain = kWork / call.program->cost / unitElements;
  if (units <= grain) return f(int64_t(0), units);
  parallelFor(units, grain, f);
}

}  // namespace

// pointwise(programId, ndim, sizes…, for each output and then each input: address, dtype, strides…; scalars…). Shapes are
// broadcast; an output may be one of the inputs, never a part of one.
KERNEL(pointwise) {
  Call call;
  if (!call.parse(args)) return kUnsupported;
  if (call.numel == 0) return kOk;
  call.status.store(kOk, std::memory_order_relaxed);
  call.chooseWalk();
  call.classify();
  call.chooseTile();
  if (call.walk == Walk::rows) {
    const int64_t segments = (call.inner + call.tile - 1) / call.tile;
    spread(call, call.numel / call.inner * segments, least(call.tile, call.inner),
           [&](int64_t begin, int64_t end) { Worker(call).rows(begin, end, segments); });
  } else if (call.walk == Walk::linear) {
    spread(call, (call.numel + call.tile - 1) / call.tile, call.tile,
           [&](int64_t begin, int64_t end) { Worker(call).linear(begin, end); });
  } else {
    const int64_t rows = (call.sizes[call.ndim - 2] + kBlockRows - 1) / kBlockRows;
    const int64_t columns = (call.inner + call.columns - 1) / call.columns;
    spread(call, call.numel / (call.sizes[call.ndim - 2] * call.inner) * rows * columns, kBlockRows * call.columns,
           [&](int64_t begin, int64_t end) { Worker(call).blocks(begin, end, rows, columns); });
  }
  return call.status.load(std::memory_order_relaxed);
}

}  // namespace flambeau
