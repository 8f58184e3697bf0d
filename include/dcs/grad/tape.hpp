// The tape: one thin record (slot) per recorded value. A slot holds the gradient that has arrived so far, the slots its value was made from,
// and the step that turns its gradient into theirs. Slots are numbered as they are made, so the order of the backward pass is the numbers
// downwards; a step, what it captured and the gradient it consumed are freed as the pass leaves them. Slots know no types: the steps do.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/grad/accumulate.hpp>

#include <algorithm>
#include <memory>
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

struct slot : counted {
  static std::uint64_t next_number() {
    static thread_local std::uint64_t n = 0;
    return ++n;
  }

  std::uint64_t number = next_number();
  storage gradient;
  std::unique_ptr<backward_step> step;     // none for a leaf
  std::vector<counted_ptr<slot>> parents;  // emptied by the backward pass
  bool reached = false;
};

using slot_ptr = counted_ptr<slot>;

// Gradients add up. The first is taken as it is and may be shared with others, so that only a sole owner adds in place.
template <class T, class Device>
void accumulate(slot& s, storage gradient) {
  if (!s.gradient) {
    s.gradient = std::move(gradient);
    return;
  }
  if (!s.gradient.unique()) {
    if (gradient.unique()) {
      std::swap(s.gradient, gradient);
    } else {
      storage sum = storage::allocate<Device>(s.gradient.bytes());
      Device::copy(sum.data(), s.gradient.data(), s.gradient.bytes());
      s.gradient = std::move(sum);
    }
  }
  add_into(Device{}, static_cast<T*>(s.gradient.data()), static_cast<const T*>(gradient.data()),
           s.gradient.bytes() / static_cast<std::int64_t>(sizeof(T)));
}

// Everything that `root` was made from, latest first.
inline std::vector<slot_ptr> recorded_order(const slot_ptr& root) {
  std::vector<slot_ptr> order{root};
  root->reached = true;
  for (std::size_t i = 0; i < order.size(); ++i)
    for (std::size_t k = 0; k < order[i]->parents.size(); ++k) {
      slot_ptr p = order[i]->parents[k];
      if (!p->reached) {
        p->reached = true;
        order.push_back(std::move(p));
      }
    }
  std::sort(order.begin(), order.end(), [](const slot_ptr& a, const slot_ptr& b) { return a->number > b->number; });
  for (auto& s : order) s->reached = false;
  return order;
}

inline void run_backward(const slot_ptr& root) {
  for (auto& s : recorded_order(root)) {
    slot_ptr current = std::move(s);
    if (!current->step) continue;
    if (current->gradient) current->step->run(std::exchange(current->gradient, {}));
    current->step.reset();
    current->parents.clear();
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
