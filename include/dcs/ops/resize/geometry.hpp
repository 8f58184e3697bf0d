// The parameters of a resize that its kernels take.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs {

/// nearest: pixel ⌊i · in / out⌋. Bilinear: `aligned` maps corner pixels to corner pixels, `half_pixel` the image's area to the result's area.
enum class resampling { nearest, aligned, half_pixel };

/// A resize from batch × in_h × in_w × channels to batch × out_h × out_w × channels.
struct resize_geometry {
  std::int64_t batch, in_h, in_w, out_h, out_w, channels;
  resampling how;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
