// Fibers execute the threads of an emulated block: each has a stack of its own and runs until it waits. One runs at a time, on the calling thread.
// makecontext of POSIX starts a fiber on its stack, but swapcontext saves the signal mask by a system call, which would be most of the cost of an
// emulated kernel: where the compiler supports it, fibers switch by __builtin_longjmp instead. Fibers are kept for the next blocks, so that a stack
// is entered by makecontext only once.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

// Sanitizers support the switches of POSIX only, and must be notified of each.
#if defined(__SANITIZE_ADDRESS__)
#define DCS_FIBERS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define DCS_FIBERS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DCS_FIBERS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define DCS_FIBERS_TSAN 1
#endif
#endif
#if defined(DCS_FIBERS_ASAN)
#include <sanitizer/common_interface_defs.h>
#elif defined(DCS_FIBERS_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__x86_64__) && !defined(DCS_FIBERS_ASAN) && !defined(DCS_FIBERS_TSAN)
#define DCS_FIBERS_JUMP 1
#else
#define DCS_FIBERS_JUMP 0
#endif

DCS_EXACT_MATH
namespace dcs::cuda {

/// A set of fibers, whose stacks are reused.
class fibers {
 public:
  static constexpr std::size_t stack_bytes = std::size_t{64} << 10;

  /// Makes `count` fibers that run body(context, i) when first entered.
  void start(int count, void (*body)(void*, int), void* context) {
    while (static_cast<int>(all_.size()) < count) all_.push_back(std::make_unique<fiber>());
    body_ = body, context_ = context;
    for (int i = 0; i < count; ++i) {
      fiber& f = *all_[static_cast<std::size_t>(i)];
      f.owner = this, f.number = i;
      // A fiber that an error interrupted in the middle of its body begins on its stack anew.
      if (!f.done) f.make();
      f.done = false;
    }
  }
  /// Runs fiber i until it calls wait() or ends; returns whether it has ended.
  bool run(int i) {
#if defined(DCS_FIBERS_TSAN)
    scheduler_.tsan = __tsan_get_current_fiber();
#endif
    current_ = all_[static_cast<std::size_t>(i)].get();
    change(scheduler_, current_->at);
    return current_->done;
  }
  /// Called in a fiber: suspends it, and run() returns.
  void wait() { change(current_->at, scheduler_); }

 private:
  struct place {
    ucontext_t context{};
    void* jump[5] = {};
    bool left = false;  // suspended by a jump; `jump` resumes it
#if defined(DCS_FIBERS_ASAN)
    const void* bottom = nullptr;
    std::size_t bytes = 0;
#elif defined(DCS_FIBERS_TSAN)
    void* tsan = nullptr;
#endif
  };
  struct fiber {
    fiber() : stack(mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
      expect(stack != MAP_FAILED, "dcs::cuda: no memory for the stack of a thread");
    }
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;
    ~fiber() {
#if defined(DCS_FIBERS_TSAN)
      if (at.tsan) __tsan_destroy_fiber(at.tsan);
#endif
      munmap(stack, stack_bytes);
    }
    void make() {
      at.left = false;
#if defined(DCS_FIBERS_ASAN)
      at.bottom = stack, at.bytes = stack_bytes;
#elif defined(DCS_FIBERS_TSAN)
      if (at.tsan) __tsan_destroy_fiber(at.tsan);
      at.tsan = __tsan_create_fiber(0);
#endif
      getcontext(&at.context);
      at.context.uc_stack = {stack, 0, stack_bytes};
      at.context.uc_link = nullptr;
      const auto self = reinterpret_cast<std::uintptr_t>(this);
      makecontext(&at.context, reinterpret_cast<void (*)()>(&fibers::entry), 2, static_cast<unsigned>(self),
                  static_cast<unsigned>(std::uint64_t{self} >> 32));
    }
    void* stack;
    place at;
    fibers* owner = nullptr;
    int number = 0;
    bool done = false;
  };

  // makecontext passes arguments of type int, so the address is passed in two halves.
  static void entry(unsigned low, unsigned high) {
    auto& f = *reinterpret_cast<fiber*>(static_cast<std::uintptr_t>(std::uint64_t{high} << 32 | low));
#if defined(DCS_FIBERS_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &f.owner->scheduler_.bottom, &f.owner->scheduler_.bytes);
#endif
    for (;;) {
      f.owner->body_(f.owner->context_, f.number);
      f.done = true;
      f.owner->wait();
    }
  }

  // A function of its own: __builtin_longjmp must not jump within one function.
  [[gnu::noinline]] static void change(place& from, place& to) {
#if DCS_FIBERS_JUMP
    from.left = true;
    if (__builtin_setjmp(from.jump) != 0) return;
    if (to.left) __builtin_longjmp(to.jump, 1);
    setcontext(&to.context);
    __builtin_unreachable();  // prevents a tail call: the jump returns to this frame
#elif defined(DCS_FIBERS_ASAN)
    void* kept = nullptr;
    __sanitizer_start_switch_fiber(&kept, to.bottom, to.bytes);
    swapcontext(&from.context, &to.context);
    __sanitizer_finish_switch_fiber(kept, &to.bottom, &to.bytes);
#else
#if defined(DCS_FIBERS_TSAN)
    __tsan_switch_to_fiber(to.tsan, 0);
#endif
    swapcontext(&from.context, &to.context);
#endif
  }

  std::vector<std::unique_ptr<fiber>> all_;
  fiber* current_ = nullptr;
  place scheduler_;
  void (*body_)(void*, int) = nullptr;
  void* context_ = nullptr;
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
