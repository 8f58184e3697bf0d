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
// A list of numbers whose right values depend on the data may say how they follow from the boxes of the training set's objects:
//
//       field("anchors", o.scales, bounds{1.0, 4096.0}, "scales of the anchors", chosen_from_boxes{&anchor_scales_for});
//
// Its flag then takes the word auto too. The name is that in a configuration; the flag has - instead of _. Self is the struct, const or not, so that
// writing configurations and reading flags use the same list.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/box.hpp>

#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// The range of a number, both ends included.
template <class N>
struct bounds {
  N low, high;
};
template <class N>
bounds(N, N) -> bounds<N>;

/// How a list of numbers is chosen from the boxes of a training set's objects, pixels at the size that the network is trained at.
struct chosen_from_boxes {
  std::vector<double> (*choose)(const std::vector<box<float>>&);
};

/// A struct of options that lists its fields.
template <class O>
concept has_fields = requires(O& o) {
  O::fields(o, [](const char*, auto&, auto...) {});
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
