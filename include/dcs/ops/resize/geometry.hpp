// What a resize does, for its kernels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs {

/// nearest: pixel ⌊i · in / out⌋. Bilinear: corner pixels on corner pixels, or areas on areas.
enum class resampling { nearest, aligned, half_pixel };

/// From batch × in_h × in_w × channels to batch × out_h × out_w × channels.
struct resize_geometry {
  std::int64_t batch, in_h, in_w, out_h, out_w, channels;
  resampling how;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
