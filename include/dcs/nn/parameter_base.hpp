// The untyped base of parameters and buffers: description, memory, gradient, name. Code that visits all parameters of a network (initialisation,
// state dict, optimiser) uses it, and refers to them by parameter_ref.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/grad/var.hpp>
#include <dcs/nn/parameter_description.hpp>

#include <mutex>
#include <set>
#include <string>
#include <string_view>

DCS_EXACT_MATH
namespace dcs {

class parameter_base;

namespace detail {
// One string for all that are equal, which stays to the end of the program: a name that an error needs outlives its parameter.
inline const std::string* kept_name(const std::string& name) {
  static std::mutex mutex;
  static auto& names = *new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return &*names.insert(name).first;
}

// Where a parameter is. Its references find it here after it has moved, and see when it is gone.
struct parameter_place : counted {
  explicit parameter_place(parameter_base* p) : parameter(p) {}
  parameter_base* parameter;
};
}  // namespace detail

/// A parameter is a value: a copy has memory of its own with the same values, and no gradient. One that is moved takes its memory, its gradient and
/// the references to it along; after an assignment of a copy, references to the target are references to it still. So is a network, which consists of
/// parameters.
class parameter_base {
 public:
  parameter_base(const parameter_base& o)
      : description_(o.description_),
        memory_(o.memory_.clone()),
        half_(o.half_.clone()),
        slot_(fresh_slot()),
        name_(o.name_),
        type_(o.type_),
        trained_(o.trained_),
        optional_(o.optional_) {}
  parameter_base(parameter_base&& o) noexcept
      : description_(o.description_),
        memory_(std::move(o.memory_)),
        half_(std::move(o.half_)),
        condition_(std::move(o.condition_)),
        slot_(std::move(o.slot_)),
        place_(std::move(o.place_)),
        name_(o.name_),
        type_(o.type_),
        trained_(o.trained_),
        optional_(o.optional_) {
    if (place_) place_->parameter = this;
  }
  parameter_base& operator=(const parameter_base& o) {
    if (this == &o) return *this;
    memory_ = o.memory_.clone(), half_ = o.half_.clone(), condition_ = {};
    if (!name_) name_ = o.name_;
    slot_ = fresh_slot(), type_ = o.type_, trained_ = o.trained_, optional_ = o.optional_;
    return *this;
  }
  parameter_base& operator=(parameter_base&& o) noexcept {
    if (this == &o) return *this;
    memory_ = std::move(o.memory_), half_ = std::move(o.half_), condition_ = std::move(o.condition_), slot_ = std::move(o.slot_);
    type_ = o.type_, trained_ = o.trained_, optional_ = o.optional_;
    if (!name_) name_ = o.name_;
    if (!o.place_) return *this;
    if (place_) place_->parameter = nullptr;
    place_ = std::move(o.place_), place_->parameter = this;
    return *this;
  }
  constexpr ~parameter_base() {
    if (place_) place_->parameter = nullptr;
  }

  const parameter_description& description() const { return *description_; }
  constexpr extent_t size() const { return description_->count; }
  constexpr bool is_buffer() const { return description_->is_buffer; }

  /// Its name in the network, as a state dict has it, for messages. It has one once the network was initialised, loaded, or given to an optimiser
  /// (named_parameters); until then it is empty.
  std::string_view name() const { return name_ ? std::string_view(*name_) : std::string_view(); }
  /// The same as a string that outlives the parameter; null where it has no name.
  const std::string* kept_name() const { return name_; }
  /// Sets the name. One from a part of the network, as "conv.weight" where it is "decoder.conv.weight", changes nothing.
  void set_name(const std::string& name) {
    const std::string_view now = this->name();
    if (now == name || (now.size() > name.size() && now.ends_with(name) && now[now.size() - name.size() - 1] == '.')) return;
    name_ = detail::kept_name(name);
  }

  bool defined() const { return static_cast<bool>(memory_); }
  dtype type() const { return type_; }
  const storage& memory() const { return memory_; }
  template <class T>
  T* data() const {
    expect_type(dtype_of<T>);
    return static_cast<T*>(memory_.data());
  }
  /// Allocates its memory, uninitialised, and drops any gradient.
  template <class T, class Device = cpu_device>
  void allocate() {
    adopt(detail::allocate_elements<T, Device>("dcs::parameter", {size()}), dtype_of<T>);
  }
  void adopt(storage memory, dtype type) {
    memory_ = std::move(memory), type_ = type;
    half_ = condition_ = {};
    slot_ = fresh_slot();
  }

  /// A copy of its values in bf16, for layers whose maps are bf16; empty unless it was set. Gradients are then in bf16, and code that changes the
  /// values must change both.
  const storage& half() const { return half_; }
  void keep_half(storage half) { half_ = std::move(half); }

  /// Whether it is trained: gradients are computed for it, and an optimiser changes it. False for buffers.
  constexpr bool trained() const { return trained_ && !description_->is_buffer; }
  constexpr void set_trained(bool t) { trained_ = t; }
  /// Whether it may stay without a gradient though it is trained: a part that the network has, but does not use. An optimiser then says nothing.
  constexpr bool optional() const { return optional_; }
  constexpr void set_optional(bool o) { optional_ = o; }
  /// Whether there is a gradient: some backward pass has reached it since gradients were last cleared.
  bool has_gradient() const { return slot_ && slot_->gradient; }
  /// The gradient computed so far. Where there is none it is a dcs::error; has_gradient() asks.
  storage gradient() const {
    if (!has_gradient()) [[unlikely]]
      report_no_gradient();
    return slot_->gradient;
  }
  /// The same in memory that nothing else holds, so that it can be changed: a gradient that arrived may be that of other values too.
  template <class Device>
  storage own_gradient() {
    if (!slot_ || !slot_->gradient) return {};
    if (!slot_->gradient.unique()) {
      storage own = storage::allocate<Device>(slot_->gradient.bytes());
      Device::copy(own.data(), slot_->gradient.data(), own.bytes());
      slot_->gradient = std::move(own);
    }
    return slot_->gradient;
  }
  /// Gives it a gradient in place of what has arrived: `size` elements of its type, of bf16 where it keeps a copy in that. Not of a buffer.
  void set_gradient(storage gradient) {
    expect(slot_ && gradient.bytes() == size() * static_cast<extent_t>(half_                 ? sizeof(bf16)
                                                                       : type_ == dtype::f64 ? sizeof(double)
                                                                                             : sizeof(float)),
           "dcs::parameter: a gradient of ", gradient.bytes(), " bytes does not belong to this parameter of ", size(), " elements");
    slot_->gradient = std::move(gradient);
  }
  void clear_gradient() {
    if (slot_) slot_->gradient = {};
    condition_ = {};
  }
  /// Where set, one number on its device of the parameter's type: if it is 0, the gradient is treated as missing. It is cleared with the gradient.
  const storage& condition() const { return condition_; }
  void set_condition(storage condition) { condition_ = std::move(condition); }

  /// For parameter_ref: where it is. Not while another thread asks for the first time.
  const counted_ptr<detail::parameter_place>& place() {
    if (!place_) place_ = counted_ptr<detail::parameter_place>(new detail::parameter_place(this));
    return place_;
  }

 protected:
  constexpr explicit parameter_base(const parameter_description* d) : description_(d) {}
  // The memory for operands with elements of T on Device.
  template <class T, class Device>
  const storage& held() const {
    const bool half = std::is_same_v<T, bf16> && half_;
    if (!half) expect_type(dtype_of<T>);
    expect_device(memory_.on<Device>(), Device::name);
    return half ? half_ : memory_;
  }
  [[gnu::noinline]] static void expect_device(bool on_device, const char* device) {
    expect(on_device, "dcs::parameter: does not lie on the device ", device, "; to_device<D>(net) brings a network to one");
  }
  [[gnu::noinline]] void expect_type(dtype wanted) const {
    if (!defined()) [[unlikely]]
      report_no_memory();
    expect(type_ == wanted, "dcs::parameter: holds ", dcs::name(type_), ", but ", dcs::name(wanted),
           " is wanted; convert<T>(net) converts a network, mix_precision<D>(net) lets its maps be bf16");
  }
  const detail::slot_ptr& slot() const { return slot_; }

 private:
  // "conv.weight of 216 values, [8, 3, 3, 3] in a state dict,"
  std::string spelled() const {
    std::string text = name_ ? *name_ : std::string(is_buffer() ? "a buffer" : "a parameter");
    text += " of " + std::to_string(size()) + " values, [";
    for (int i = 0; i < description_->stored.stored_rank; ++i) text += (i ? ", " : "") + std::to_string(description_->stored.stored[i]);
    return text + "] in a state dict,";
  }
  [[noreturn, gnu::cold, gnu::noinline]] void report_no_memory() const {
    fail("dcs::parameter: ", spelled(), " has no memory: initialize() or load_state_dict() gives the network's parameters theirs",
         name_ ? "" : "; if that was done, the member is missing from DCS_MEMBERS of its struct");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void report_no_gradient() const {
    fail("dcs::parameter::gradient: ", spelled(), " has no gradient: ",
         is_buffer()  ? "a buffer is not learned"
         : !defined() ? "it has no memory; initialize() the network"
                      : "no backward pass has reached it since gradients were cleared",
         "; has_gradient() asks");
  }
  // The record of the leaf that it is on the tape; none without memory, and none of a buffer.
  detail::slot_ptr fresh_slot() const { return memory_ && !is_buffer() ? detail::slot_ptr(new detail::slot) : detail::slot_ptr(); }

  const parameter_description* description_;
  storage memory_, half_, condition_;
  detail::slot_ptr slot_;
  counted_ptr<detail::parameter_place> place_;
  const std::string* name_ = nullptr;
  dtype type_ = dtype::f32;
  bool trained_ = true, optional_ = false;
};

/// A reference to a parameter of a network, which stays one when the network is moved. Using it after the network is gone is a dcs::error.
class parameter_ref {
 public:
  explicit parameter_ref(parameter_base& p) : place_(p.place()) {}
  parameter_base& operator*() const {
    if (place_->parameter == nullptr) report_gone();
    return *place_->parameter;
  }
  parameter_base* operator->() const { return &**this; }

 private:
  [[noreturn, gnu::noinline]] static void report_gone() {
    fail(
        "dcs::parameter: the network that it belonged to is gone; an optimiser, averages and named_parameters(net) are used while the network "
        "exists");
  }
  counted_ptr<detail::parameter_place> place_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
