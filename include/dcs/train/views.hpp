// Test-time augmentation: predictions of an image's mirrored views, turned back, and one prediction of them all.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/fusion.hpp>
#include <dcs/ops/rearrange/order.hpp>
#include <dcs/train/step.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

/// How many views of an image test-time augmentation has: the image as it is, mirrored from left to right, from top to bottom, and both.
inline constexpr std::size_t mirrored_views = 4;

/// The predictions of images, shape<N, H, W, 3>, normalised, on the host: of each image its `mirrored_views` views, turned back. The first of them is
/// what predict gives.
template <class P = precision<>, segmenter Net>
std::vector<std::vector<prediction>> predict_views(const Net& net, const tensor<float, image_shape>& images, const typename Net::options& o) {
  std::vector<std::vector<prediction>> views;
  for (auto& p : predict<P>(net, images, o)) views.push_back({std::move(p)});
  const auto add = [&](const tensor<float, image_shape>& turned, bool horizontal, bool vertical) {
    const auto found = predict<P>(net, turned, o);
    for (std::size_t n = 0; n < views.size(); ++n) views[n].push_back(mirrored(found[n], horizontal, vertical));
  };
  add(flip<2>(images), true, false);
  add(flip<1>(images), false, true);
  add(flip<1, 2>(images), true, true);
  return views;
}

/// Test-time augmentation: the predictions of the four views of each image, fused (image/fusion.hpp).
template <class P = precision<>, segmenter Net>
std::vector<prediction> predict_augmented(const Net& net, const tensor<float, image_shape>& images, const typename Net::options& o) {
  std::vector<prediction> out;
  for (const auto& views : predict_views<P>(net, images, o)) out.push_back(fused_prediction(views));
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
