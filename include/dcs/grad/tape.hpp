// The tape: one thin record (slot) per recorded value. A slot holds the gradient that has arrived so far, the slots its value was made from,
// and the step that turns its gradient into theirs. Slots are numbered as they are made, so the order of the backward pass is the numbers
// downwards; a step, what it captured and the gradient it consumed are freed as the pass leaves them. Slots know no types: the steps do.
//
// Threads: a value may be recorded on any thread from values of any other that have been handed over as C++ asks (a join, a mutex). Backward passes
// may run at once. Each claims the records that it will use up, so that two never share one; gradients of leaves, which passes may share, are added
// without a race.
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

// What a recorded op does with the gradient of its result.
struct backward_step {
  virtual ~backward_step() = default;
  virtual void run(storage gradient) = 0;
};

// Slots that wait to be freed by the call of slot::destroy that is under way on this thread.
inline thread_local constinit slot* slots_to_free = nullptr;
inline thread_local constinit bool freeing_slots = false;

struct slot : counted {
  static std::uint64_t next_number() {
    static constinit std::atomic<std::uint64_t> n{0};  // of all threads: what a value was made from has a smaller number, wherever that was
    return n.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  // Freeing a slot lets go of those that its value was made from. They wait in a list instead of being freed within, so that a chain of any length
  // needs no stack.
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
  std::uint64_t pass = 0;  // the last backward pass that listed it
  storage gradient;
  std::unique_ptr<backward_step> step;     // none for a leaf; the pass that runs it takes it
  std::vector<counted_ptr<slot>> parents;  // emptied by the backward pass
  slot* next_to_free = nullptr;
  bool claimed = false;  // by the one backward pass that may run the step
};

using slot_ptr = counted_ptr<slot>;

// Guards what backward passes on several threads share: the claims on records, and the gradients of leaves. Held for no arithmetic.
inline std::mutex& tape_mutex() {
  static std::mutex m;
  return m;
}

// The sum of two gradients, in the memory of one that nobody else holds.
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

// Takes the gradient that has arrived at `s` for `more` to be added to, or leaves `more` there where none has.
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

// Gradients add up. The first is taken as it is and may be shared with others, so that only a sole owner adds in place. A leaf's is taken out to be
// added to, so that passes on other threads need not wait; what arrives meanwhile is added next.
template <class T, class Device>
void accumulate(slot& s, storage gradient) {
  if (!gradient) return;
  while (storage before = arrived_before(s, gradient)) gradient = added<T, Device>(std::move(before), std::move(gradient));
}

// Everything that `root` was made from, latest first. No other pass can run the steps of these from now on. Throws dcs::error, and changes nothing,
// where an earlier pass has used one of them up.
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

// Runs the steps of what was claimed. Where one throws, the rest are freed without being run.
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

/// Where a step delivers the gradient of one input. Holds no value, so capturing it keeps nothing alive but the record.
template <class T, class Shape, class Device = cpu_device>
class sink {
 public:
  sink() = default;
  explicit sink(detail::slot_ptr s) : slot_(std::move(s)) {}

  /// Whether anybody waits for this gradient; computing it otherwise is a waste.
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
