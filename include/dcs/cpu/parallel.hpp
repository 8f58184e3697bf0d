// Fork-join over a persistent pool of threads. The caller chooses the number of tasks from the size of the problem, never from the number of threads,
// so that results do not depend on it: a task may run on any thread, but computes the same.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cpu {

namespace detail {

inline thread_local bool inside_task = false;

// The number of loops that this thread has started, and the depth of nested ones, which are not counted by themselves.
inline thread_local constinit std::int64_t loops_started = 0;
inline thread_local constinit int loop_depth = 0;
struct loop_scope {
  explicit loop_scope(bool counts) {
    if (loop_depth++ == 0 && counts) ++loops_started;
  }
  loop_scope(const loop_scope&) = delete;
  loop_scope& operator=(const loop_scope&) = delete;
  ~loop_scope() { --loop_depth; }
};

inline constexpr int most_threads = 1024;

// The initial number of threads: that of DCS_THREADS, else one for each hardware thread.
inline int initial_threads() {
  const char* variable = std::getenv("DCS_THREADS");
  const std::string_view text = variable ? variable : "";
  if (text.empty()) return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
  int n = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, n);
  expect(read.ec == std::errc() && read.ptr == end && n >= 1 && n <= most_threads, "dcs::threads: DCS_THREADS is '", printable(text),
         "'; expected a whole number from 1 to ", most_threads, ", or no such variable for one thread per hardware thread");
  return n;
}

class pool {
 public:
  static pool& get() {
    static pool p;
    return p;
  }

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  void resize(int n) {
    expect(n >= 1 && n <= most_threads, "dcs::set_threads: ", n, " threads; expected 1 to ", most_threads);
    expect(!inside_task, "dcs::set_threads: called by a task of dcs::cpu::parallel_for, whose threads it would end; call it between loops");
    std::lock_guard call(call_);
    stop();
    start(n);
  }

  // Runs task(context, i) for i in [0, count); returns when all are done. The first exception a task throws is rethrown. Workers that have not woken
  // up when the tasks run out are not waited for, so that short loops do not pay for slow wake-ups.
  void run(std::int64_t count, void (*task)(void*, std::int64_t), void* context) {
    const loop_scope scope(count > 0 && !inside_task);
    if (count <= 1 || inside_task || workers_.empty()) {
      for (std::int64_t i = 0; i < count; ++i) task(context, i);
      return;
    }
    std::lock_guard call(call_);
    {
      std::lock_guard lock(mutex_);
      task_ = task, context_ = context, count_ = count, failure_ = nullptr;
      next_.store(0, std::memory_order_relaxed);
      generation_.fetch_add(1, std::memory_order_release);
    }
    if (count == 2)
      wake_.notify_one();
    else
      wake_.notify_all();
    drain();
    for (int spin = 0; active_.load(std::memory_order_acquire) != 0 && spin < spins; ++spin) pause();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return active_.load(std::memory_order_relaxed) == 0; });
    count_ = 0;  // a worker that wakes up now finds no task
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  static constexpr int spins = 4000;  // about 100 microseconds: most forks follow the last join sooner than that

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  pool() { start(initial_threads()); }
  ~pool() { stop(); }

  // Where the system refuses to start more threads, there are fewer workers: results do not depend on their number. Only threads that were started
  // are in workers_, so that stop() joins exactly these.
  void start(int n) {
    quit_ = false;
    workers_.reserve(static_cast<std::size_t>(n - 1));
    try {
      for (int i = 1; i < n; ++i) workers_.emplace_back([this, seen = generation_.load()] { work(seen); });
    } catch (const std::exception&) {  // system_error: a limit on threads; bad_alloc: no memory for one
    }
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      quit_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (auto& w : workers_) w.join();
    workers_.clear();
  }

  void work(std::uint64_t seen) {
    while (true) {
      for (int spin = 0; generation_.load(std::memory_order_acquire) == seen && spin < spins; ++spin) pause();
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) != seen; });
        seen = generation_.load(std::memory_order_relaxed);
        if (quit_) return;
        if (next_.load(std::memory_order_relaxed) >= count_) continue;
        active_.fetch_add(1, std::memory_order_relaxed);
      }
      drain();
      std::lock_guard lock(mutex_);
      if (active_.fetch_sub(1, std::memory_order_release) == 1) done_.notify_one();
    }
  }

  void drain() {
    inside_task = true;
    try {
      for (std::int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) task_(context_, i);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = count_;
    }
    inside_task = false;
  }

  std::vector<std::thread> workers_;
  std::mutex call_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> next_{0};
  std::atomic<int> active_{0};  // workers inside drain()
  std::int64_t count_ = 0;
  void (*task_)(void*, std::int64_t) = nullptr;
  void* context_ = nullptr;
  std::exception_ptr failure_;
  bool quit_ = false;
};

}  // namespace detail

/// body(i) for every i in [0, count), each exactly once, on any thread, in any order. A call from inside a task runs serially.
template <class Body>
void parallel_for(std::int64_t count, Body&& body) {
  using plain = std::remove_reference_t<Body>;
  detail::pool::get().run(
      count, [](void* context, std::int64_t i) { (*static_cast<plain*>(context))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

/// body(begin, end) over [0, count) in chunks of `grain` items (the last may be shorter). The split depends on `count` and `grain` alone.
template <class Body>
void parallel_chunks(std::int64_t count, std::int64_t grain, Body&& body) {
  parallel_for((count + grain - 1) / grain, [&](std::int64_t i) { body(i * grain, std::min(count, (i + 1) * grain)); });
}

/// How many loops the kernels called by this thread have run, each a pass over memory; loops inside loops do not count. Its difference around an
/// evaluation or a backward pass says what that took: 1 for a fused kernel of one pass.
inline std::int64_t kernel_runs() { return detail::loops_started; }

}  // namespace dcs::cpu

namespace dcs {

/// Threads that kernels on the CPU use, of which the caller is one: as many as the environment's DCS_THREADS says (1 to 1024), else one per hardware
/// thread; fewer where the system does not start that many. Results do not depend on it. Any other value of DCS_THREADS is a dcs::error at the first
/// kernel or call of this function.
inline int threads() { return cpu::detail::pool::get().threads(); }
/// Sets the number of threads (1 to 1024). Where the system allows fewer, fewer start, and threads() returns their number. Not while kernels run.
inline void set_threads(int n) { cpu::detail::pool::get().resize(n); }

}  // namespace dcs

#include <dcs/core/header_end.inl>
