// Executes a kernel of the block interface (block.hpp) on the host. The threads of a block are fibers that run one at a time, each until it reaches a
// barrier or an exchange within its warp, in an order that is shuffled anew after every barrier; blocks run in a shuffled order too. The executor is
// no template: it sees a kernel as a few sizes and one function, so that it is compiled once.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/cuda/emulated_block.hpp>
#include <dcs/cuda/fiber.hpp>

#include <algorithm>
#include <exception>
#include <numeric>
#include <utility>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// Runs thread `thread` of the block from beginning to end.
inline void run_thread(void* block, int thread) {
  auto& s = *static_cast<block_state*>(block);
  auto& current = s.threads[static_cast<std::size_t>(thread)];
  try {
    emulated_block b(s, thread);
    s.launch->kernel.run(s.launch->kernel.kernel, b);
    if (!current.open.empty() || !current.groups.empty())
      fail("thread ", thread, " of block ", s.number, " ends before the wait for its asynchronous copies");
  } catch (...) {
    if (!s.error) s.error = std::current_exception();
  }
  current.state = waits_for::end;
}

inline void shuffle(std::vector<int>& order, random_stream r) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[r.below(i, static_cast<std::uint32_t>(i))]);
}

// Resumes threads that waited for each other: warps whose lanes all wait in one exchange, or the block where all wait at the barrier. Returns whether
// there were any.
inline bool release(block_state& s) {
  bool any = false;
  auto all_wait = [&](std::size_t begin, std::size_t end, waits_for w) {
    return std::all_of(s.threads.begin() + static_cast<std::ptrdiff_t>(begin), s.threads.begin() + static_cast<std::ptrdiff_t>(end),
                       [&](const thread_state& t) { return t.state == w; });
  };
  for (std::size_t w = 0; w < s.warps.size(); ++w) {
    const std::size_t begin = w * warp_size, end = begin + warp_size;
    if (!all_wait(begin, end, waits_for::warp)) continue;
    for (std::size_t t = begin; t < end; ++t) {
      if (s.threads[t].exchange != s.threads[begin].exchange) fail("lanes of warp ", w, " of block ", s.number, " meet in different exchanges");
      s.threads[t].state = waits_for::nothing;
    }
    any = true;
  }
  if (all_wait(0, s.threads.size(), waits_for::block)) {
    for (auto& t : s.threads) t.state = waits_for::nothing;
    any = true;
  }
  return any;
}

inline void run_block(block_state& s, random_stream random) {
  std::vector<int> order(s.threads.size());
  std::iota(order.begin(), order.end(), 0);
  for (std::uint64_t round = 0;; ++round) {
    shuffle(order, random.child(round));
    bool ran = false;
    for (const int t : order)
      if (s.threads[static_cast<std::size_t>(t)].state == waits_for::nothing) {
        s.threads_of->run(t);
        ran = true;
        if (s.error) std::rethrow_exception(s.error);
      }
    const bool over = std::all_of(s.threads.begin(), s.threads.end(), [](const thread_state& t) { return t.state == waits_for::end; });
    if (over) return;
    if (!release(s) && !ran) {
      for (const auto& t : s.threads)
        if (t.state == waits_for::block || t.state == waits_for::warp)
          fail("thread ", &t - s.threads.data(), " of block ", s.number, " waits at a ", t.state == waits_for::block ? "barrier" : "warp's exchange",
               " that not every thread reaches");
    }
  }
}

inline void emulate(const any_kernel& kernel, const emulation& options) {
  expect(kernel.shared_bytes <= most_shared_bytes, "dcs::cuda: kernel ", kernel.name, ": ", kernel.shared_bytes,
         " bytes of shared memory; expected at most ", most_shared_bytes);
  static thread_local fibers threads_of;
  const random_stream random{options.seed, 0x656d75};
  std::vector<int> order(static_cast<std::size_t>(kernel.blocks));
  std::iota(order.begin(), order.end(), 0);
  shuffle(order, random.child(0));
  try {
    launch_state launch{kernel, options, {}};
    block_state s{&launch, &threads_of, 0, {}, 0, {}, {}, {}, nullptr};
    s.warps.resize(static_cast<std::size_t>(kernel.threads / warp_size));
    for (const int block : order) {
      s.number = block, s.used = 0;
      s.arrays.clear();
      s.memory.assign(static_cast<std::size_t>(kernel.shared_bytes), std::byte{0xFF});
      s.threads.assign(static_cast<std::size_t>(kernel.threads), {});
      for (std::size_t t = 0; t < s.threads.size(); ++t)
        s.threads[t].now.block = static_cast<std::uint32_t>(block), s.threads[t].now.thread = static_cast<std::uint32_t>(t);
      threads_of.start(kernel.threads, &run_thread, &s);
      run_block(s, random.child(1).child(static_cast<std::uint64_t>(block)));
    }
  } catch (const error& e) {
    fail("dcs::cuda: kernel ", kernel.name, ": ", e.what());
  }
}

}  // namespace detail

/// Executes a kernel on the host. Throws dcs::error for a race, an access out of bounds, or any other misuse of the block interface.
template <class Kernel>
void emulate(const Kernel& kernel, const emulation& options = {}) {
  static_assert(Kernel::threads % warp_size == 0 && Kernel::threads > 0 && Kernel::threads <= 1024,
                "dcs::cuda: threads of a block: a multiple of 32, at most 1024");
  detail::emulate({Kernel::name, Kernel::threads, kernel.blocks(), kernel.shared_bytes(), &kernel,
                   [](const void* k, emulated_block& b) { (*static_cast<const Kernel*>(k))(b); }},
                  options);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
