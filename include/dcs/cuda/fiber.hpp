// Threads of a block that the host executes: each has a stack of its own and runs until it waits. One runs at a time, on the calling thread.
// POSIX enters a stack (makecontext), but its switch saves the signal mask with a system call, which is most of what an emulated kernel would cost:
// where the compiler can, fibers jump instead. They outlive what they run, so that a block enters no stack that was entered before.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

// Sanitizers follow the switches of POSIX only.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DCS_FIBERS_JUMP 1
#else
#define DCS_FIBERS_JUMP 0
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef DCS_FIBERS_JUMP
#define DCS_FIBERS_JUMP 0
#endif
#endif

DCS_EXACT_MATH
namespace dcs::cuda {

/// A set of fibers with stacks that are used again.
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
      // One that an error left in the middle of its body begins on a fresh stack.
      if (!f.done) f.make();
      f.done = false;
    }
  }
  /// Runs fiber i until it calls wait() or ends; returns whether it has ended.
  bool run(int i) {
    current_ = all_[static_cast<std::size_t>(i)].get();
    change(scheduler_, current_->at);
    return current_->done;
  }
  /// Called in a fiber: back to run().
  void wait() { change(current_->at, scheduler_); }

 private:
  struct place {
    ucontext_t context{};
    void* jump[5] = {};
    bool left = false;  // by a jump, to where `jump` leads back
  };
  struct fiber {
    fiber() : stack(mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
      expect(stack != MAP_FAILED, "dcs::cuda: no memory for the stack of a thread");
    }
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;
    ~fiber() { munmap(stack, stack_bytes); }
    void make() {
      at.left = false;
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

  // makecontext passes ints: the address comes in two halves.
  static void entry(unsigned low, unsigned high) {
    auto& f = *reinterpret_cast<fiber*>(static_cast<std::uintptr_t>(std::uint64_t{high} << 32 | low));
    for (;;) {
      f.owner->body_(f.owner->context_, f.number);
      f.done = true;
      f.owner->wait();
    }
  }

  // A function of its own: a jump must not lead into the function that it starts from.
  [[gnu::noinline]] static void change(place& from, place& to) {
#if DCS_FIBERS_JUMP
    from.left = true;
    if (__builtin_setjmp(from.jump) != 0) return;
    if (to.left) __builtin_longjmp(to.jump, 1);
    setcontext(&to.context);
    __builtin_unreachable();  // and no tail call: this frame is what the jump comes back to
#else
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
