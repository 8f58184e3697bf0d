// The distance of an image's pixels.
#pragma once

#include <dcs/core/header_begin.inl>

DCS_EXACT_MATH
namespace dcs {

/// The distance between the centres of neighbouring rows and of neighbouring columns, in millimetres where it is known. With 1 and 1 distances are in
/// pixels.
struct pixel_spacing {
  double rows = 1, columns = 1;
  friend bool operator==(const pixel_spacing&, const pixel_spacing&) = default;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
