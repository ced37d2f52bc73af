// Programs of the pointwise machine: straight-line code over tiles, all in one compute class.
#pragma once
#include "casts.hpp"

namespace flambeau {

constexpr int kMaxProgramInputs = 64, kMaxProgramOutputs = 64, kMaxProgramScalars = 128, kMaxProgramConsts = 128;
constexpr int kMaxInstructions = 512, kMaxSlots = 128;
constexpr int kMaxProgramOperands = kMaxProgramInputs + kMaxProgramScalars + kMaxProgramConsts + kMaxInstructions;
constexpr int kSplatBytes = kVectorBytes;

// Every instruction defines a value of its own, so operand numbers are [inputs | scalars | consts | instructions].
struct Instruction {
  TileFn run;
  int16_t a, b, c;
  int16_t slot;     // scratch tile of the result; tiles are shared by values that do not live at the same time
  uint8_t uniform;  // operands that are scalars or constants, one bit each
};

struct Program {
  int computeClass, itemSize;
  int inputs, scalars, consts, instructions, outputs, slots;
  int cost;                // of one element, in additions
  bool isCopy;             // a single mov of an input
  Instruction* code;
  int16_t* outputValue;    // instruction whose result an output is
  int16_t* lastRead;       // last instruction that reads an input, or -1
  char* constSplats;       // a vector's width of each constant
  double* definition;      // as received, to find a program defined twice
  int definitionLength;

  int firstScalar() const { return inputs; }
  int firstConst() const { return inputs + scalars; }
  int firstValue() const { return inputs + scalars + consts; }
};

// Null for an unknown id. Ids are never reused and programs never freed.
const Program* findProgram(int64_t id);

// Fills one vector's width with a number converted to the class.
void fillSplat(int computeClass, void* to, double value);

}  // namespace flambeau
