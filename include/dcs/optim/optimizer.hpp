// What training asks of an optimiser: AdamW (adamw.hpp) and SGD with momentum (sgd.hpp) model it, and so does one that is chosen by name
// (any_optimizer.hpp).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/safetensors.hpp>
#include <dcs/nn/module.hpp>

#include <array>
#include <concepts>

DCS_EXACT_MATH
namespace dcs {

/// The names of the optimisers that a run may have (any_optimizer.hpp).
inline constexpr std::array optimizer_names{"adamw", "sgd"};

/// What an optimiser does on its first step about trained parameters that have had no gradient, which it would never move: a notice that names them
/// (core/warning.hpp), or a dcs::error. They may belong to a part that the loss does not depend on, or that was computed from tensors where vars were
/// meant. Parameters of which the network expects it (parameter_base::optional) are not meant.
enum class missing_gradients { report, refuse };

/// An optimiser of parameters on a device. `step` moves them by their gradients, clipped together to options.clip_norm where that is not 0, and
/// returns the gradients' norm before; a norm that is not finite is a dcs::error, and nothing moves, and so is a step in which no parameter has a
/// gradient. `parameters` are those that it may move, in an
/// order that does not change. `options.rate` may change between steps. `save` and `load` are for checkpoints: a run that is resumed has the same
/// bits.
template <class O>
concept optimizer = requires(O& o, const O& c, io::safetensors& file) {
  typename O::device_type;
  { o.options.rate } -> std::convertible_to<double>;
  { c.parameters() } -> std::convertible_to<const std::vector<named_parameter>&>;
  { o.step() } -> std::convertible_to<double>;
  o.clear_gradients();
  c.save(file);
  o.load(file);
};

/// An optimiser on device D whose step can be captured once and repeated: `next_numbers` counts a step and says the numbers (of numbers_type, bytes
/// that may be copied to the device) that distinguish it, `launch_step` launches the work that reads them where they then lie, `finish_step` waits
/// for the gradients' norm, and throws dcs::error where it is not finite.
template <class O, class D>
concept repeatable_optimizer = optimizer<O> && std::same_as<typename O::device_type, D> && std::is_trivially_copyable_v<typename O::numbers_type> &&
    requires(O& o, const storage& numbers) {
  { o.next_numbers() } -> std::same_as<typename O::numbers_type>;
  o.launch_step(numbers);
  { o.finish_step() } -> std::convertible_to<double>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
