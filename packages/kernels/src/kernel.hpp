// What every kernel file includes: the call frame, its decoding, and the registry.
#pragma once
#include <cstdint>

#include "dtype.hpp"
#include "parallel.hpp"
#include "vec.hpp"

namespace flambeau {

constexpr int kMaxDims = 64;
constexpr int kFrameSlots = 8192;

struct TensorArg {
  char* data;  // address of the element at index 0: the tensor's offset is already added
  DType dtype;
  int ndim;
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxDims];  // in elements

  template <class T> T* as() const { return reinterpret_cast<T*>(data); }
  explicit operator bool() const { return data != nullptr; }
  int64_t numel() const {
    int64_t n = 1;
    for (int d = 0; d < ndim; d++) n *= sizes[d];
    return n;
  }
  bool contiguous() const {
    int64_t expected = 1;
    for (int d = ndim - 1; d >= 0; d--) {
      if (sizes[d] != 1 && strides[d] != expected) return false;
      expected *= sizes[d];
    }
    return true;
  }
};

// The call frame: slot 0 holds the kernel's index, then its arguments in order, every one a double. A kernel answers by
// writing its results from slot 0 on. Tensors are [address, dtype, ndim, sizes…, strides…]; lists are [length, items…];
// a tensor that is not given has address 0 and ndim 0.
class Args {
  double* frame_;
  double* next_;

 public:
  explicit Args(double* frame) : frame_(frame), next_(frame + 1) {}
  double f64() { return *next_++; }
  int64_t i64() { return int64_t(*next_++); }
  int i32() { return int(*next_++); }
  bool flag() { return *next_++ != 0; }
  char* address() { return reinterpret_cast<char*>(uintptr_t(*next_++)); }
  TensorArg tensor() {
    TensorArg t;
    t.data = address();
    t.dtype = DType(i32());
    t.ndim = i32();
    for (int d = 0; d < t.ndim; d++) t.sizes[d] = i64();
    for (int d = 0; d < t.ndim; d++) t.strides[d] = i64();
    return t;
  }
  int list(int64_t* out) {
    const int n = i32();
    for (int i = 0; i < n; i++) out[i] = i64();
    return n;
  }
  const double* base() const { return frame_; }
  void result(int slot, double value) { frame_[slot] = value; }
};

// What a kernel returns; it lands in slot 0 and the caller turns it into an error. Details follow from slot 1.
enum Status : int {
  kOk = 0,
  kIndexOutOfRange = 1,  // slot 1: the index, slot 2: the size it must be below
  kOutOfMemory = 2,
  kUnsupported = 3,  // a dtype or option this kernel does not know: a bug in the caller's checks
  kDivisionByZero = 4,  // an integer divided by zero
};

using KernelFn = int (*)(Args&);

struct Kernel {
  const char* name;
  KernelFn run;
};

// Filled by static initialisers, read-only afterwards.
struct Registry {
  static constexpr int kCapacity = 256;
  Kernel kernels[kCapacity];
  int count = 0;
};
Registry& registry();

struct Registered {
  Registered(const char* name, KernelFn run) { registry().kernels[registry().count++] = {name, run}; }
};

// Looks up slot 0, runs that kernel and leaves its status in slot 0.
inline void runFrame(double* frame) {
  Args args(frame);
  frame[0] = registry().kernels[int(frame[0])].run(args);
}

}  // namespace flambeau

// KERNEL(softmax) { const TensorArg x = args.tensor(); … return kOk; } defines and registers a kernel under that name.
#define KERNEL(name)                                                                   \
  static int kernel_##name(::flambeau::Args& args);                                    \
  static const ::flambeau::Registered registered_##name(#name, kernel_##name);         \
  static int kernel_##name([[maybe_unused]] ::flambeau::Args& args)
