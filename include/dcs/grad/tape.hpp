// The tape: one thin record (slot) per recorded value. A slot holds the gradient that has arrived so far, the slots its value was made from, and the
// step that turns its gradient into theirs. Slots are numbered as they are made, and the backward pass visits them by falling number; a step, what it
// captured and the gradient it consumed are freed as soon as it has run. Slots are not typed; the steps are.
//
// Threads: a value may be recorded on any thread from values of any other that have been handed over as C++ asks (a join, a mutex). Backward passes
// may run at once. Each claims the records that it will use up, so that no two passes use one record; gradients of leaves, which passes may share,
// are added without a race.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/grad/accumulate.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

struct slot;

// The step of a recorded op: turns the gradient of its result into those of its inputs.
struct backward_step {
  virtual ~backward_step() = default;
  virtual void run(storage gradient) = 0;
};

// Slots that the running call of slot::destroy on this thread has still to free.
inline thread_local constinit slot* slots_to_free = nullptr;
inline thread_local constinit bool freeing_slots = false;

struct slot : counted {
  static std::uint64_t next_number() {
    // One counter for all threads: the slots that a value was made from have smaller numbers, on whatever thread they were made.
    static constinit std::atomic<std::uint64_t> n{0};
    return n.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  // Freeing a slot may free those that its value was made from. They are put into a list instead of being freed recursively, so that a long chain
  // does not overflow the stack.
  static void destroy(slot* s) noexcept {
    s->next_to_free = slots_to_free;
    slots_to_free = s;
    if (freeing_slots) return;
    freeing_slots = true;
    while (slot* first = slots_to_free) {
      slots_to_free = first->next_to_free;
      delete first;
    }
    freeing_slots = false;
  }

  bool is_leaf() const { return !step && !claimed; }

  std::uint64_t number = next_number();
  std::uint64_t pass = 0;  // the last backward pass that has visited it
  storage gradient;
  std::unique_ptr<backward_step> step;     // null for a leaf, and once a pass has run it
  std::vector<counted_ptr<slot>> parents;  // emptied by the backward pass
  slot* next_to_free = nullptr;
  bool claimed = false;  // whether a backward pass has claimed it, which alone may run the step
};

using slot_ptr = counted_ptr<slot>;

// Guards what backward passes on several threads share: the claims on records, and the gradients of leaves. Not held during arithmetic.
inline std::mutex& tape_mutex() {
  static std::mutex m;
  return m;
}

// The sum of two gradients, in place where one of them has no other owner.
template <class T, class Device>
storage added(storage a, storage b) {
  if (!a.unique()) {
    if (b.unique()) {
      std::swap(a, b);
    } else {
      storage sum = storage::allocate<Device>(a.bytes());
      Device::copy(sum.data(), a.data(), a.bytes());
      a = std::move(sum);
    }
  }
  add_into(Device{}, static_cast<T*>(a.data()), static_cast<const T*>(b.data()), a.bytes() / static_cast<std::int64_t>(sizeof(T)));
  return a;
}

// Moves the gradient out of `s`, so that `more` can be added to it; where `s` has none, stores `more` there.
[[gnu::noinline]] inline storage arrived_before(slot& s, storage& more) {
  if (s.is_leaf()) {
    std::lock_guard lock(tape_mutex());
    if (s.gradient) return std::move(s.gradient);
    s.gradient = std::move(more);
    return {};
  }
  expect(s.claimed && s.step,
         "dcs::backward: a gradient arrives at a value that this pass does not reach, or has left; expected that a step sends "
         "gradients to inputs which dcs::record was given");
  if (s.gradient) return std::move(s.gradient);
  s.gradient = std::move(more);
  return {};
}

// Adds to the gradient of `s`. The first gradient is stored without a copy and may be shared, so it is added to in place only if it has no other
// owner. The gradient of a leaf is moved out while it is added to, so that passes on other threads need not wait; what they store meanwhile is added
// next.
template <class T, class Device>
void accumulate(slot& s, storage gradient) {
  if (!gradient) return;
  while (storage before = arrived_before(s, gradient)) gradient = added<T, Device>(std::move(before), std::move(gradient));
}

// All slots that `root` was made from, latest first, which this pass now has claimed. Throws dcs::error, and claims none, where an earlier pass has
// used one of them up.
inline std::vector<slot_ptr> claim_records(const slot_ptr& root) {
  static constinit std::uint64_t passes = 0;
  std::vector<slot_ptr> order{root};
  std::lock_guard lock(tape_mutex());
  root->pass = ++passes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    expect(!order[i]->claimed,
           i == 0 ? "dcs::backward: this value was sent back before"
                  : "dcs::backward: an earlier backward pass has used up the record of something that this value was made from",
           "; a record serves one pass: add the values up and send back their sum, or compute what they share again");
    for (std::size_t k = 0; k < order[i]->parents.size(); ++k) {
      slot_ptr p = order[i]->parents[k];
      if (p->pass == passes) continue;
      p->pass = passes;
      order.push_back(std::move(p));
    }
  }
  std::sort(order.begin(), order.end(), [](const slot_ptr& a, const slot_ptr& b) { return a->number > b->number; });
  for (auto& s : order)
    if (s->step) s->claimed = true;
  return order;
}

// Runs the steps of the claimed slots. Where one throws, the rest are freed without being run.
inline void run_steps(std::vector<slot_ptr> order) {
  try {
    for (auto& s : order) {
      const slot_ptr current = std::move(s);
      if (!current->claimed) continue;  // a leaf
      const auto parents = std::move(current->parents);
      const auto step = std::move(current->step);
      if (current->gradient) step->run(std::move(current->gradient));
    }
  } catch (...) {
    for (auto& s : order)
      if (s && s->claimed) s->gradient = {}, s->step.reset(), s->parents.clear();
    throw;
  }
}

}  // namespace detail

/// Receives the gradient of one input of a step. It refers to the input's record and not to its value, so that a step that captures it does not keep
/// the value alive.
template <class T, class Shape, class Device = cpu_device>
class sink {
 public:
  sink() = default;
  explicit sink(detail::slot_ptr s) : slot_(std::move(s)) {}

  /// Whether this gradient is needed; otherwise a step need not compute it.
  bool wanted() const { return static_cast<bool>(slot_); }
  void add(const tensor<T, Shape, Device>& gradient) const {
    if (slot_) detail::accumulate<T, Device>(*slot_, gradient.memory());
  }
  void add(tensor<T, Shape, Device>&& gradient) const {
    if (!slot_) return;
    storage memory = gradient.memory();
    gradient = {};
    detail::accumulate<T, Device>(*slot_, std::move(memory));
  }

 private:
  detail::slot_ptr slot_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
