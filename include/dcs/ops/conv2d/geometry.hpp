// The run-time extents of a convolution, which all its kernels take.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs::cpu {

/// x: batch × in_h × in_w × in_c; w: k_h × k_w × (in_c / groups) × out_c; y: batch × out_h × out_w × out_c. Square stride, padding and dilation.
struct conv2d_geometry {
  std::int64_t batch, in_h, in_w, in_c, out_h, out_w, out_c, k_h, k_w, stride, padding, dilation, groups;

  std::int64_t out_pixels() const { return batch * out_h * out_w; }
  std::int64_t in_pixels() const { return batch * in_h * in_w; }
  std::int64_t taps() const { return k_h * k_w; }
  std::int64_t group_in() const { return in_c / groups; }
  std::int64_t group_out() const { return out_c / groups; }
  bool depthwise() const { return groups == in_c && groups == out_c && groups > 1; }
  bool pointwise() const { return taps() == 1 && stride == 1 && padding == 0; }
  std::int64_t weights() const { return taps() * group_in() * out_c; }
  std::int64_t multiply_adds() const { return out_pixels() * taps() * group_in() * out_c; }
};

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
