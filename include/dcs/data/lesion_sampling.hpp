// What an epoch shows more often than once: images with small lesions (oversampling), and lesions in other images (copy-paste). Kisantal et al.,
// "Augmentation for small object detection" (2019), combine the two; both are off unless a run asks for them.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/sample.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// How the lesions of a training set are shown.
struct lesion_sampling {
  std::vector<double> weights{};       ///< how often an image is drawn, in proportion (loader_options::weights); empty: each once in an epoch
  double copy_paste = 0;               ///< the probability that an image gets a lesion of another
  std::vector<std::int64_t> donors{};  ///< images that have a lesion, by number: those that lesions are copied from
};

/// Areas of a sample's objects, of those that are large enough for a box, in pixels of the network's size. Where the sample has its native mask they
/// are found and measured in that, so that an object can have less than a pixel.
inline std::vector<double> object_areas(const sample& s) {
  const std::int64_t height = s.pixels.height, width = s.pixels.width;
  label_map labels{height, width, std::vector<std::int32_t>(s.truth.pixels.size(), 0)};
  const auto boxes = s.native.empty() ? labelled_objects(s, labels.pixels.data()) : native_objects(s.native, height, width, &labels);
  const double pixel = static_cast<double>(height * width) / static_cast<double>(labels.height * labels.width);
  std::vector<double> areas(boxes.size(), 0);
  for (const std::int32_t k : labels.pixels)
    if (k > 0) areas[static_cast<std::size_t>(k) - 1] += 1;
  for (double& a : areas) a *= pixel;
  return areas;
}

/// The weight of each image from the areas of its objects: that of its smallest object, w = min(8, max(1, (A / a)^exponent)), where a is the object's
/// area and A the median of all areas (the lower of two). An image without object has weight 1. exponent 0.5 shows an object twice as often where
/// its side is half of the median's.
inline std::vector<double> small_lesion_weights(const std::vector<std::vector<double>>& areas, double exponent) {
  constexpr double most = 8;  // one outlier of a few pixels must not fill the epoch
  std::vector<double> all;
  for (const auto& of_image : areas) all.insert(all.end(), of_image.begin(), of_image.end());
  std::vector<double> weights(areas.size(), 1.0);
  if (all.empty()) return weights;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::nth_element(all.begin(), middle, all.end());
  for (std::size_t i = 0; i < areas.size(); ++i)
    if (!areas[i].empty()) {
      const double smallest = *std::min_element(areas[i].begin(), areas[i].end());
      weights[i] = std::clamp(std::pow(*middle / smallest, exponent), 1.0, most);
    }
  return weights;
}

/// What an epoch of a data set shows, with this exponent (0: every image once) and probability of copy-paste (0: none). Where either is asked for, it
/// loads every image once. Throws dcs::error for copy-paste where no image has a lesion to copy.
template <dataset Data>
lesion_sampling sampling_of(const Data& data, double exponent, double copy_paste) {
  lesion_sampling sampling;
  if (exponent == 0 && copy_paste == 0) return sampling;
  std::vector<std::vector<double>> areas(static_cast<std::size_t>(data.size()));
  cpu::parallel_for(data.size(), [&](std::int64_t i) { areas[static_cast<std::size_t>(i)] = object_areas(data.load(i)); });
  if (exponent > 0) sampling.weights = small_lesion_weights(areas, exponent);
  if (copy_paste == 0) return sampling;
  for (std::size_t i = 0; i < areas.size(); ++i)
    if (!areas[i].empty()) sampling.donors.push_back(static_cast<std::int64_t>(i));
  expect(!sampling.donors.empty(), "dcs::copy_paste: no image of the training set has a lesion that could be copied; expected one of at least ",
         smallest_object, " pixels");
  sampling.copy_paste = copy_paste;
  return sampling;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
