// Memory that a kernel needs only while it runs.
#pragma once
#include <cstdint>
#include <cstdlib>

// Declares a local that each thread keeps. WebAssembly has one thread, and no destructors for thread locals.
#ifdef __wasm__
#define FLAMBEAU_PER_THREAD static
#else
#define FLAMBEAU_PER_THREAD thread_local
#endif

namespace flambeau {

// One aligned block, freed with its owner. A request that cannot be met leaves get() null.
class Scratch {
  void* data_ = nullptr;
  size_t bytes_ = 0;

 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::free(data_); }

  // Contents are undefined; what was there is lost if the block has to grow.
  template <class T> T* get(int64_t count) {
    const size_t bytes = (size_t(count) * sizeof(T) + 64) & ~size_t(63);
    if (bytes > bytes_) {
      std::free(data_);
      data_ = nullptr;
      bytes_ = 0;
      if (posix_memalign(&data_, 64, bytes) != 0) data_ = nullptr;
      else bytes_ = bytes;
    }
    return static_cast<T*>(data_);
  }
};

}  // namespace flambeau
