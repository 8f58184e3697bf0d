// What training asks of an optimiser: AdamW (adamw.hpp) and SGD with momentum (sgd.hpp) model it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/safetensors.hpp>

#include <concepts>

DCS_EXACT_MATH
namespace dcs {

/// An optimiser of parameters on a device. `step` moves them by their gradients, clipped together to options.clip_norm where that is not 0, and
/// returns the gradients' norm before; a norm that is not finite is a dcs::error, and nothing moves. `options.rate` may change between steps. `save`
/// and `load` are for checkpoints: a run that is resumed has the same bits.
template <class O>
concept optimizer = requires(O& o, const O& c, io::safetensors& file) {
  typename O::device_type;
  { o.options.rate } -> std::convertible_to<double>;
  { o.step() } -> std::convertible_to<double>;
  o.clear_gradients();
  c.save(file);
  o.load(file);
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
