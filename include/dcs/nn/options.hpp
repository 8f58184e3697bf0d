// The options of a network that a user may choose: a struct with defaults, and one static function that lists those which become flags and entries of
// configurations:
//
//   struct options {
//     int box_samples = 512;
//     bool truth_regions = false;
//     template <class Self, class Field> static void fields(Self& o, Field&& field) {
//       field("box_samples", o.box_samples, bounds{4, 2000}, "boxes of an image that the box head learns from in a step");
//       field("truth_regions", o.truth_regions, "train the head on jittered ground truth only");
//     }
//   };
//
// The name is that in a configuration; the flag has - instead of _. Self is the struct, const or not, so that writing configurations and reading
// flags use the same list.
#pragma once

#include <dcs/core/header_begin.inl>

DCS_EXACT_MATH
namespace dcs {

/// The range of a number, both ends included.
template <class N>
struct bounds {
  N low, high;
};
template <class N>
bounds(N, N) -> bounds<N>;

/// A struct of options that lists its fields.
template <class O>
concept has_fields = requires(O& o) {
  O::fields(o, [](const char*, auto&, auto...) {});
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
