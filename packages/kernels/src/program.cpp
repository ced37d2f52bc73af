#include "program.hpp"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <new>

namespace flambeau {
namespace {

constexpr int kBlockBits = 8, kBlockSize = 1 << kBlockBits, kBlocks = 1 << 12;

// Grows by blocks that never move, so that readers need no lock.
struct Table {
  std::atomic<const Program*>* blocks[kBlocks];
  std::atomic<int> count{0};
  std::atomic_flag writing = ATOMIC_FLAG_INIT;

  const Program* at(int64_t id) const { return blocks[id >> kBlockBits][id & (kBlockSize - 1)].load(std::memory_order_relaxed); }
};
Table table;

bool sameDefinition(const Program& p, const double* definition, int length) {
  return p.definitionLength == length && std::memcmp(p.definition, definition, size_t(length) * sizeof(double)) == 0;
}

// Programs are made once and kept; several Node workers that load the same library define the same ones.
int64_t publish(std::unique_ptr<Program>& program) {
  while (table.writing.test_and_set(std::memory_order_acquire)) {
  }
  const int count = table.count.load(std::memory_order_relaxed);
  int64_t id = 0;
  while (id < count && !sameDefinition(*table.at(id), program->definition, program->definitionLength)) id++;
  if (id == count) {
    auto*& block = id < int64_t(kBlocks) * kBlockSize ? table.blocks[id >> kBlockBits] : table.blocks[kBlocks - 1];
    if (id >= int64_t(kBlocks) * kBlockSize) {
      id = -1;
    } else if (!block && !(block = new (std::nothrow) std::atomic<const Program*>[kBlockSize])) {
      id = -1;
    } else {
      block[id & (kBlockSize - 1)].store(program.release(), std::memory_order_relaxed);
      table.count.store(count + 1, std::memory_order_release);
    }
  }
  table.writing.clear(std::memory_order_release);
  return id;
}

// Owns what a program points to until it is published.
struct Definition {
  std::unique_ptr<Program> program;
  std::unique_ptr<Instruction[]> code;
  std::unique_ptr<int16_t[]> outputValue, lastRead;
  std::unique_ptr<char[]> constSplats;
  std::unique_ptr<double[]> definition;
};

// Gives every value the lowest tile that is free where it is made; a dying operand's tile may be written in place.
bool assignSlots(Program& p) {
  int lastUse[kMaxInstructions];
  const int first = p.firstValue();
  for (int k = 0; k < p.instructions; k++) lastUse[k] = k;
  for (int k = 0; k < p.instructions; k++)
    for (int operand : {p.code[k].a, p.code[k].b, p.code[k].c})
      if (operand >= first) lastUse[operand - first] = k;
  for (int o = 0; o < p.outputs; o++) lastUse[p.outputValue[o]] = p.instructions;
  int busyUntil[kMaxSlots];
  p.slots = 0;
  for (int k = 0; k < p.instructions; k++) {
    int slot = 0;
    while (slot < p.slots && busyUntil[slot] > k) slot++;
    if (slot == kMaxSlots) return false;
    if (slot == p.slots) p.slots++;
    busyUntil[slot] = lastUse[k];
    // A result nobody reads still occupies its tile while it is written.
    if (lastUse[k] == k) busyUntil[slot] = k + 1;
    p.code[k].slot = int16_t(slot);
  }
  return true;
}

int define(Args& args, const double* frame, int64_t* id) {
  Definition d;
  d.program.reset(new (std::nothrow) Program{});
  if (!d.program) return kOutOfMemory;
  Program& p = *d.program;
  const auto bounded = [&](int most, int* out) {
    const double v = args.f64();
    *out = v >= 0 && v <= most ? int(v) : -1;
    return *out >= 0;
  };
  if (!bounded(kComputeClasses - 1, &p.computeClass) || !bounded(kMaxProgramInputs, &p.inputs) ||
      !bounded(kMaxProgramScalars, &p.scalars) || !bounded(kMaxProgramConsts, &p.consts))
    return kUnsupported;
  p.itemSize = itemSize(kClassDType[p.computeClass]);
  int used = 5 + p.consts;
  d.constSplats.reset(new (std::nothrow) char[size_t(p.consts) * kSplatBytes + 1]);
  if (!d.constSplats) return kOutOfMemory;
  for (int i = 0; i < p.consts; i++) fillSplat(p.computeClass, d.constSplats.get() + i * kSplatBytes, args.f64());
  int temps;
  if (!bounded(kMaxInstructions, &temps) || !bounded(kMaxInstructions, &p.instructions)) return kUnsupported;
  used += 2;

  const int first = p.firstValue();
  int16_t current[kMaxInstructions];  // the value a temp holds now
  for (int t = 0; t < temps; t++) current[t] = -1;
  d.code.reset(new (std::nothrow) Instruction[size_t(p.instructions) + 1]);
  d.lastRead.reset(new (std::nothrow) int16_t[size_t(p.inputs) + 1]);
  if (!d.code || !d.lastRead) return kOutOfMemory;
  for (int i = 0; i < p.inputs; i++) d.lastRead[i] = -1;
  p.cost = 1;
  for (int k = 0; k < p.instructions; k++) {
    int op;
    if (!bounded(kPrimitiveCount - 1, &op)) return kUnsupported;
    const double dst = args.f64();
    Instruction& instruction = d.code[k];
    int16_t* operands[3] = {&instruction.a, &instruction.b, &instruction.c};
    instruction.uniform = 0;
    const int arity = kPrimitives[op].arity;
    for (int j = 0; j < 3; j++) {
      const double value = args.f64();
      if (j >= arity) {
        // An absent operand repeats the first, so that its pointer is always good to hold.
        *operands[j] = instruction.a;
        continue;
      }
      if (!(value >= 0 && value < first + temps)) return kUnsupported;
      int operand = int(value);
      if (operand < p.inputs) d.lastRead[operand] = int16_t(k);
      else if (operand < first) instruction.uniform |= uint8_t(1 << j);
      else if (current[operand - first] < 0) return kUnsupported;
      else operand = first + current[operand - first];
      *operands[j] = int16_t(operand);
    }
    instruction.run = primitiveFor(p.computeClass, Primitive(op));
    if (!instruction.run || !(dst >= first && dst < first + temps)) return kUnsupported;
    current[int(dst) - first] = int16_t(k);
    p.cost += kPrimitives[op].cost;
    p.isCopy = p.instructions == 1 && Primitive(op) == Primitive::mov && instruction.a < p.inputs;
  }
  used += p.instructions * 5;

  if (!bounded(kMaxProgramOutputs, &p.outputs) || p.outputs == 0) return kUnsupported;
  d.outputValue.reset(new (std::nothrow) int16_t[size_t(p.outputs)]);
  if (!d.outputValue) return kOutOfMemory;
  for (int o = 0; o < p.outputs; o++) {
    const double value = args.f64();
    if (!(value >= first && value < first + temps) || current[int(value) - first] < 0) return kUnsupported;
    d.outputValue[o] = current[int(value) - first];
  }
  p.isCopy = p.isCopy && p.outputs == 1;
  used += 1 + p.outputs;
  d.definition.reset(new (std::nothrow) double[size_t(used)]);
  if (!d.definition) return kOutOfMemory;
  std::memcpy(d.definition.get(), frame + 1, size_t(used - 1) * sizeof(double));
  p.definitionLength = used - 1;

  p.code = d.code.get();
  p.outputValue = d.outputValue.get();
  p.lastRead = d.lastRead.get();
  p.constSplats = d.constSplats.get();
  p.definition = d.definition.get();
  if (!assignSlots(p)) return kUnsupported;
  *id = publish(d.program);
  if (*id < 0) return kOutOfMemory;
  if (!d.program) {
    // Published: the table owns it all from here.
    d.code.release();
    d.outputValue.release();
    d.lastRead.release();
    d.constSplats.release();
    d.definition.release();
  }
  return kOk;
}

template <class T> void fill(void* to_, double value) {
  T lanes[kSplatBytes / sizeof(T)];
  for (auto& lane : lanes) lane = to<T>(value);
  std::memcpy(to_, lanes, sizeof lanes);
}

}  // namespace

const Program* findProgram(int64_t id) {
  return id >= 0 && id < table.count.load(std::memory_order_acquire) ? table.at(id) : nullptr;
}

void fillSplat(int computeClass, void* to, double value) {
  switch (computeClass) {
    case kClassF32: return fill<float>(to, value);
    case kClassF64: return fill<double>(to, value);
    case kClassI32: return fill<int32_t>(to, value);
    default: return fill<int64_t>(to, value);
  }
}

// defineProgram(class, nInputs, nScalars, nConsts, consts…, nTemps, nInstructions, [op, dst, a, b, c]…, nOutputs, outputs…):
// slot 1 = the program's id. Operands are numbered [inputs | scalars | consts | temps], -1 where there is none.
KERNEL(defineProgram) {
  const double* frame = args.base();
  int64_t id = -1;
  const int status = define(args, frame, &id);
  args.result(1, double(id));
  return status;
}

}  // namespace flambeau
