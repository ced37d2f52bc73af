// The thread pool. Work is cut into chunks whose bounds depend on the work alone, so results never depend on the number
// of threads; which thread runs a chunk is decided as they come free.
#pragma once
#include <cstdint>
#include <type_traits>

namespace flambeau {

int threadCount();
void setThreadCount(int n);
// From now on the calling thread computes without the pool, which others of the process go on using.
void computeAlone();

// Runs body(context, i) for every i in [0, chunks), on the calling thread and the pool; returns when all are done.
// Calls from inside a chunk, or while another thread of the process uses the pool, run on the calling thread alone.
void runChunks(int64_t chunks, void (*body)(void*, int64_t), void* context);

template <class F> inline void parallelChunks(int64_t chunks, F&& f) {
  if (chunks <= 0) return;
  if (chunks == 1) return f(int64_t(0));
  runChunks(chunks, [](void* context, int64_t i) { (*static_cast<std::remove_reference_t<F>*>(context))(i); }, &f);
}

// f(begin, end) over [0, n) in pieces of `grain`. A piece should cost some 10 µs, enough to hide handing it over.
template <class F> inline void parallelFor(int64_t n, int64_t grain, F&& f) {
  if (grain < 1) grain = 1;
  parallelChunks((n + grain - 1) / grain, [&](int64_t i) {
    const int64_t begin = i * grain, end = begin + grain;
    f(begin, end < n ? end : n);
  });
}

}  // namespace flambeau
