// The run-time extents of windows along one axis, which the kernels of unfold take.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs {

/// Windows of `kernel` taps along the second axis of x, shape batch × in × inner × channels. The result is batch × out × inner × groups × kernel ×
/// (channels / groups): tap k of window o is x at o · stride − padding + k · dilation, and zeros outside of x. `inner` is the product of the axes
/// between the windows' axis and the channels.
struct unfold_geometry {
  std::int64_t batch, in, out, inner, channels, kernel, stride, padding, dilation, groups;

  std::int64_t inputs() const { return batch * in * inner * channels; }
  std::int64_t outputs() const { return batch * out * inner * kernel * channels; }
  /// The contiguous elements that one copy moves: a tap's channels of one group.
  std::int64_t run() const { return channels / groups; }
  /// Whether the result is x itself.
  bool identity() const { return kernel == 1 && stride == 1 && padding == 0; }
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
