// The sizes, scale and dropout of an attention, on any device.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>

DCS_EXACT_MATH
namespace dcs {

/// q: heads × queries × depth; k, v: heads × keys × depth, dense; `heads` counts batch × heads. Probabilities are dropped by element
/// (head · queries + i) · keys + j of `random`.
struct attention_geometry {
  std::int64_t heads, queries, keys, depth;
  double scale, dropout = 0;
  random_stream random{};
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
