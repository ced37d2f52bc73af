#include "parallel.hpp"

#ifdef __wasm__

namespace flambeau {
int threadCount() { return 1; }
void setThreadCount(int) {}
void computeAlone() {}
void runChunks(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  for (int64_t i = 0; i < chunks; i++) body(context, i);
}
}  // namespace flambeau

#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace flambeau {
namespace {

// Long enough to bridge the gap between two kernels of a training step, short enough not to matter to anyone else.
constexpr auto kSpin = std::chrono::microseconds(60);

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class Pool {
  struct Job {
    void (*body)(void*, int64_t);
    void* context;
    int64_t chunks;
  };

  std::mutex owner_;  // held by the thread whose job is running
  std::mutex sleep_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  Job job_{};
  std::atomic<int64_t> next_{0};
  std::atomic<uint64_t> epoch_{0};
  std::atomic<bool> open_{false};  // job_ may be joined
  std::atomic<int> active_{0};     // workers that may be looking at job_
  std::atomic<int> sleeping_{0};
  std::atomic<bool> stop_{false};
  std::atomic<int> threads_{1};  // one Node worker may set it while another asks

  void drain(const Job& job) {
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < job.chunks;) job.body(job.context, i);
  }

  void work(uint64_t seen) {
    inside() = true;
    while (true) {
      const auto patience = std::chrono::steady_clock::now() + kSpin;
      while (epoch_.load(std::memory_order_acquire) == seen && !stop_.load(std::memory_order_relaxed)) {
        for (int i = 0; i < 32 && epoch_.load(std::memory_order_acquire) == seen; i++) relax();
        if (epoch_.load(std::memory_order_acquire) != seen || std::chrono::steady_clock::now() < patience) continue;
        std::unique_lock<std::mutex> lock(sleep_);
        sleeping_.fetch_add(1);
        wake_.wait(lock, [&] { return epoch_.load() != seen || stop_.load(); });
        sleeping_.fetch_sub(1);
      }
      if (stop_.load()) return;
      seen = epoch_.load(std::memory_order_acquire);
      // A worker that wakes late finds the job closed and is not waited for.
      active_.fetch_add(1);
      if (open_.load()) drain(job_);
      active_.fetch_sub(1);
    }
  }

  void shutdown() {
    {
      std::lock_guard<std::mutex> lock(sleep_);
      stop_.store(true);
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
    workers_.clear();
    stop_.store(false);
  }

 public:
  static bool& inside() {
    thread_local bool flag = false;
    return flag;
  }

  ~Pool() { shutdown(); }

  int threads() const { return threads_.load(); }

  void resize(int n) {
    std::lock_guard<std::mutex> own(owner_);
    threads_.store(n < 1 ? 1 : n > 256 ? 256 : n);
    shutdown();
  }

  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) {
    if (threads_.load() == 1 || inside() || !owner_.try_lock()) {
      for (int64_t i = 0; i < chunks; i++) body(context, i);
      return;
    }
    std::lock_guard<std::mutex> own(owner_, std::adopt_lock);
    while (int(workers_.size()) < threads_.load() - 1) {
      const uint64_t seen = epoch_.load();
      workers_.emplace_back([this, seen] { work(seen); });
    }
    job_ = {body, context, chunks};
    next_.store(0, std::memory_order_relaxed);
    open_.store(true);
    epoch_.fetch_add(1);
    if (sleeping_.load() > 0) {
      std::lock_guard<std::mutex> lock(sleep_);
      wake_.notify_all();
    }
    inside() = true;
    drain(job_);
    inside() = false;
    open_.store(false);
    while (active_.load() > 0) relax();
  }
};

// Never destroyed: the process may exit while a worker thread of Node still computes.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}

int defaultThreads() {
  const unsigned n = std::thread::hardware_concurrency();
  return n < 1 ? 1 : n > 256 ? 256 : int(n);
}
std::once_flag sized;
Pool& sizedPool() {
  std::call_once(sized, [] { pool().resize(defaultThreads()); });
  return pool();
}

}  // namespace

int threadCount() { return Pool::inside() ? 1 : sizedPool().threads(); }
void setThreadCount(int n) { sizedPool().resize(n); }
void computeAlone() { Pool::inside() = true; }
void runChunks(int64_t chunks, void (*body)(void*, int64_t), void* context) { sizedPool().run(chunks, body, context); }

}  // namespace flambeau

#endif
