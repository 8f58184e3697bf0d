// Threads of a block that the host executes: each has a stack of its own and runs until it waits. One runs at a time, on the calling thread.
#pragma once

#include <dcs/core/error.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

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
      f.owner = this, f.number = i, f.done = false;
      getcontext(&f.state);
      f.state.uc_stack = {f.stack, 0, stack_bytes};
      f.state.uc_link = nullptr;
      const auto at = reinterpret_cast<std::uintptr_t>(&f);
      makecontext(&f.state, reinterpret_cast<void (*)()>(&fibers::entry), 2, static_cast<unsigned>(at),
                  static_cast<unsigned>(std::uint64_t{at} >> 32));
    }
  }
  /// Runs fiber i until it calls wait() or ends; returns whether it has ended.
  bool run(int i) {
    current_ = all_[static_cast<std::size_t>(i)].get();
    swapcontext(&scheduler_, &current_->state);
    return current_->done;
  }
  /// Called in a fiber: back to run().
  void wait() { swapcontext(&current_->state, &scheduler_); }

 private:
  struct fiber {
    fiber() : stack(mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
      expect(stack != MAP_FAILED, "dcs::cuda: no memory for the stack of a thread");
    }
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;
    ~fiber() { munmap(stack, stack_bytes); }
    void* stack;
    ucontext_t state{};
    fibers* owner = nullptr;
    int number = 0;
    bool done = false;
  };

  // makecontext passes ints: the address comes in two halves.
  static void entry(unsigned low, unsigned high) {
    auto& f = *reinterpret_cast<fiber*>(static_cast<std::uintptr_t>(std::uint64_t{high} << 32 | low));
    f.owner->body_(f.owner->context_, f.number);
    f.done = true;
    for (;;) f.owner->wait();
  }

  std::vector<std::unique_ptr<fiber>> all_;
  fiber* current_ = nullptr;
  ucontext_t scheduler_{};
  void (*body_)(void*, int) = nullptr;
  void* context_ = nullptr;
};

}  // namespace dcs::cuda
