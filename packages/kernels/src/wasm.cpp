// The WebAssembly side: the same frame and kernels as exported functions over the module's own memory.
#include <cstdlib>

#include "kernel.hpp"
#include "primitives.hpp"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

static double frameSlots[flambeau::kFrameSlots];

EXPORT(frame) double* frame() { return frameSlots; }
EXPORT(run) void run() { flambeau::runFrame(frameSlots); }
EXPORT(kernelCount) int kernelCount() { return flambeau::registry().count; }
EXPORT(kernelName) const char* kernelName(int i) { return flambeau::registry().kernels[i].name; }
EXPORT(primitiveCount) int primitiveCount() { return flambeau::kPrimitiveCount; }
EXPORT(primitiveName) const char* primitiveName(int i) { return flambeau::kPrimitives[i].name; }
EXPORT(allocate) void* allocate(size_t bytes) {
  void* p = nullptr;
  return posix_memalign(&p, 64, bytes) == 0 ? p : nullptr;
}
EXPORT(release) void release(void* p) { std::free(p); }
