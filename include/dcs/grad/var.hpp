// var<T, Shape, Device>: a tensor whose computation is recorded. Ops over a var return a var; `backward` sends the gradient of a scalar back to every
// leaf. A var without a record (a constant) is the input of a training run: by its type, dropout and batch norm are in training mode, and it costs
// nothing.
//
// Threads may train networks of their own at once, and a network or leaves that they share: each records and backpropagates its own loss, and
// gradients add up in the leaves. With more than two threads the order of those additions, and so the last bits, may differ from run to run.
// Gradients are read and cleared, and parameters changed, when no other thread uses them. Dropout draws from a random_scope, of which each thread
// needs its own.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/operand.hpp>
#include <dcs/grad/tape.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// Why a value has no gradient to read.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_gradient(const slot_ptr& slot, const std::string& sizes) {
  fail("dcs::var::grad: a var of sizes ", sizes, " has no gradient: ",
       !slot             ? "it is a constant, by which nothing is differentiated; var::leaf(tensor) makes a leaf"
       : slot->is_leaf() ? "it is a leaf that no backward pass has reached since its gradient was cleared, or it was made; call backward(loss) before"
                         : "it is the result of an op, and only leaves keep their gradient; make it a leaf, or read the gradients of the leaves",
       "; has_grad() asks");
}
}  // namespace detail

template <class T, class Shape, class Device>
class var {
 public:
  using self = var;
  using value_type = T;
  using shape_type = Shape;
  using device_type = Device;
  using tensor_type = tensor<T, Shape, Device>;
  static constexpr int rank = Shape::rank;

  var() = default;
  /// A constant: no gradient is computed for it.
  explicit var(tensor_type value) : value_(std::move(value)) {}
  // Where a function takes a tensor.
  template <class R>
  requires(std::is_same_v<R, tensor_type>) operator R() const {
    static_assert(!std::is_same_v<R, R>, "dcs: a var where a tensor is needed; try: x.value(), whose use records no gradient");
    return value_;
  }
  /// For ops: a value with its record.
  var(tensor_type value, detail::slot_ptr record) : value_(std::move(value)), slot_(std::move(record)) {}
  /// A leaf: a variable to differentiate by, whose gradient is kept.
  static var leaf(tensor_type value) { return var(std::move(value), detail::slot_ptr(new detail::slot)); }

  const tensor_type& value() const { return value_; }
  bool recorded() const { return static_cast<bool>(slot_); }
  /// Whether there is a gradient to read: it is a leaf, and a backward pass has reached it.
  bool has_grad() const { return slot_ && slot_->is_leaf() && slot_->gradient; }
  /// The gradient computed so far. Where there is none it is a dcs::error: only leaves have one, and only after `backward`. Not while a backward pass
  /// on another thread adds to it.
  tensor_type grad() const {
    if (!has_grad()) [[unlikely]]
      detail::refuse_gradient(slot_, to_string(value_.sizes()));
    return tensor_type::adopt(slot_->gradient, value_.sizes());
  }
  void clear_grad() {
    if (slot_) slot_->gradient = {};
  }

  bool defined() const { return value_.defined(); }
  T* data() const { return value_.data(); }
  const auto& sizes() const { return value_.sizes(); }
  extent_t size() const { return value_.size(); }
  template <int Axis>
  extent_t size_of() const {
    return value_.template size_of<Axis>();
  }
  T item() const { return value_.item(); }
  const detail::slot_ptr& record() const { return slot_; }

 private:
  tensor_type value_;
  detail::slot_ptr slot_;
};

/// The tensor of a tensor or var.
template <class T, class S, class D>
const tensor<T, S, D>& value(const tensor<T, S, D>& x) {
  return x;
}
template <class T, class S, class D>
const tensor<T, S, D>& value(const var<T, S, D>& x) {
  return x.value();
}

/// The sink for the gradient of an operand; for a tensor, one that drops it.
template <class T, class S, class D>
sink<T, S, D> sink_of(const tensor<T, S, D>&) {
  return {};
}
template <class T, class S, class D>
sink<T, S, D> sink_of(const var<T, S, D>& x) {
  return sink<T, S, D>(x.record());
}

/// Whether the backward pass reaches an operand.
template <class X>
bool is_recorded(const X& x) {
  if constexpr (any_var_v<X>)
    return x.recorded();
  else
    return false;
}

namespace detail {

template <class T, class S, class D, class F>
struct step_of final : backward_step {
  step_of(sizes<S::rank> n, F f) : extents(n), function(std::move(f)) {}
  void run(storage gradient) override { function(tensor<T, S, D>::adopt(std::move(gradient), extents)); }
  sizes<S::rank> extents;
  F function;
};

template <class X>
void add_parent(std::vector<slot_ptr>& parents, const X& x) {
  if constexpr (any_var_v<X>)
    if (x.recorded()) parents.push_back(x.record());
}

}  // namespace detail

/// Ends an op: `out` as it is where no input is a var, else a var. `backward(dy)` is called once with the gradient of `out` and adds to the sinks of
/// the inputs; it is stored only if some input is recorded. Capture values and sinks in it, never vars or nodes.
template <class T, class S, class D, class F, class... X>
auto record(tensor<T, S, D> out, F backward, const X&... inputs) {
  if constexpr (!any_var_v<X...>) {
    return out;
  } else {
    if (!(is_recorded(inputs) || ...)) return var<T, S, D>(std::move(out));
    detail::slot_ptr s(new detail::slot);
    (detail::add_parent(s->parents, inputs), ...);
    s->step = std::make_unique<detail::step_of<T, S, D, F>>(out.sizes(), std::move(backward));
    return var<T, S, D>(std::move(out), std::move(s));
  }
}

/// Backpropagates `gradient` (of y) through everything that y was computed from, and adds to the gradients of the leaves. For a constant nothing
/// happens; a leaf receives the gradient itself. Records, with what they keep alive, are freed on the way, so each serves one pass: a second pass
/// through any part of what an earlier one has used up, on this thread or another, is a dcs::error that changes no gradient. Where losses share a
/// part of the computation, call backward on their sum. Where a step throws, the rest of the record is freed and the leaves hold a part of their
/// gradients: clear them.
template <class T, class S, class D>
void backward(const var<T, S, D>& y, const tensor<T, S, D>& gradient) {
  expect(gradient.defined() && gradient.sizes() == y.sizes(), "dcs::backward: a gradient ",
         gradient.defined() ? "of sizes " + to_string(gradient.sizes()) : std::string("without memory"), " for a value of ", to_string(y.sizes()));
  if (!y.recorded()) return;
  auto order = detail::claim_records(y.record());
  detail::accumulate<T, D>(*y.record(), gradient.memory());
  detail::run_steps(std::move(order));
}
/// The same for a scalar, from gradient 1.
template <class T, class S, class D>
void backward(const var<T, S, D>& y) {
  expect(y.size() == 1, "dcs::backward: sizes ", to_string(y.sizes()), "; expected one element, or a gradient for each");
  backward(y, tensor<T, S, D>::full(y.sizes(), static_cast<T>(1.0f)));
}

/// A shape-erased operand: memory and record. Ops that a network calls at many shapes do their work on these, so that their bodies and backward steps
/// are compiled once per element type.
template <class T>
struct untyped {
  storage memory;
  detail::slot_ptr slot;
  T* data() const { return static_cast<T*>(memory.data()); }
  bool wanted() const { return static_cast<bool>(slot); }
  /// Adds to the gradient of this operand.
  template <class Device>
  void add(storage gradient) const {
    if (slot) detail::accumulate<T, Device>(*slot, std::move(gradient));
  }
};

namespace detail {
// Out of line, as a network's code calls it for every operand.
template <class T>
[[gnu::noinline]] void set_untyped(untyped<T>& to, const storage& memory, const slot_ptr& slot) {
  to.memory = memory;
  to.slot = slot;
}
}  // namespace detail
/// to = erase(x).
template <class T, class S, class D>
void erase_into(untyped<T>& to, const tensor<T, S, D>& x) {
  detail::set_untyped(to, x.memory(), {});
}
template <class T, class S, class D>
void erase_into(untyped<T>& to, const var<T, S, D>& x) {
  detail::set_untyped(to, x.value().memory(), x.record());
}
template <class T, class S, class D>
untyped<T> erase(const tensor<T, S, D>& x) {
  return {x.memory(), {}};
}
template <class T, class S, class D>
untyped<T> erase(const var<T, S, D>& x) {
  return {x.value().memory(), x.record()};
}

namespace detail {

template <class F>
struct untyped_step final : backward_step {
  explicit untyped_step(F f) : function(std::move(f)) {}
  void run(storage gradient) override { function(std::move(gradient)); }
  F function;
};

template <class R>
struct restore_to;
template <class T, class S, class D>
struct restore_to<tensor<T, S, D>> {
  static tensor<T, S, D> from(untyped<T>&& u, const sizes<S::rank>& n) { return tensor<T, S, D>::adopt(std::move(u.memory), n); }
};
template <class T, class S, class D>
struct restore_to<var<T, S, D>> {
  static var<T, S, D> from(untyped<T>&& u, const sizes<S::rank>& n) { return {tensor<T, S, D>::adopt(std::move(u.memory), n), std::move(u.slot)}; }
};

}  // namespace detail

/// The typed handle R (tensor or var) on the result of an untyped body.
template <class R>
typename R::self restore(untyped<typename R::value_type>&& u, const sizes<R::rank>& n) {
  return detail::restore_to<R>::from(std::move(u), n);
}

/// `record` for untyped bodies: backward(storage dy) is stored only if some parent is recorded.
template <class T, class F>
untyped<T> record_untyped(storage out, const std::vector<detail::slot_ptr>& parents, F backward) {
  detail::slot_ptr s;
  for (const auto& p : parents)
    if (p) {
      if (!s) s = detail::slot_ptr(new detail::slot);
      s->parents.push_back(p);
    }
  if (s) s->step = std::make_unique<detail::untyped_step<F>>(std::move(backward));
  return {std::move(out), std::move(s)};
}

template <class NewShape, class T, class S, class D>
var<T, NewShape, D> as(const var<T, S, D>& x) {
  auto gx = sink_of(x);
  return record(
      as<NewShape>(x.value()), [gx](const tensor<T, NewShape, D>& dy) { gx.add(as<S>(dy)); }, x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
