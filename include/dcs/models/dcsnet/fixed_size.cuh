// DCSNet's training losses with arrays of fixed sizes, where no size depends on the data and the host decides nothing: there is a fixed number of
// regions, and a mask says which of them are valid. Values and gradients are those of training_losses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/fixed_losses.cuh>
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/regions.cuh>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Losses of fixed sizes: the terms, the number of valid regions as a scalar of the device, and the parameters whose gradients are valid only if that
/// number is not 0.
template <class X>
struct fixed_size_terms {
  loss::terms<X, loss_names.size(), 1> terms;
  tensor<compute_type<value_t<X>>, shape<>, device_t<X>> count;
  std::vector<parameter_base*> conditional;
};

/// The losses of images on a device. Where no region is valid, the head's losses are 0, its statistics do not change, and its gradients are treated
/// as missing, as on the host, so that an optimiser does not change its parameters. One difference remains: dropout draws numbers for padded regions
/// too, so that valid regions after a padded one (where an image other than the last has fewer than options.regions.most) get other random numbers
/// than in training_losses, from the same distribution.
template <class B, class C, class A, int W, class S, class T, class D>
fixed_size_terms<var<T, image_shape, D>> fixed_size_losses(network<B, C, A, W, S>& net, const var<T, image_shape, D>& images,
                                                           const cuda::fixed_targets<compute_type<T>, D>& known, const options& o,
                                                           random_stream random) {
  using Net = network<B, C, A, W, S>;
  using N = compute_type<T>;
  const extent_t n = images.sizes()[0], h = images.sizes()[1], w = images.sizes()[2];
  const auto pyramid = net.detector.features(images);
  const auto detector = cuda::fixed_detector_losses(net.detector, pyramid, h, w, known.boxes.seen(), o.detector, random.child(1));
  const auto chosen = [&]() -> masked_regions<N, D> {
    if constexpr (C::takes_whole_images)
      return {make_rois<dyn<"roi">, D>(whole_images<N>(n, h, w)), tensor<N, shape<dyn<"roi">>, D>::full({n}, N(1))};
    else
      return regions(D{}, o.regions, n, h, w, cuda::proposals_and_truth<N>{detector.proposals.seen(), known.boxes.seen()}, random.child(2),
                     random.child(3));
  }();
  const row_mask_scope valid(chosen.mask);
  const auto head =
      total_loss(widened_maps(net.segment(pyramid, chosen.rois)), region_targets<Net::base>(known.masks, chosen.rois), chosen.mask, o.loss);
  fixed_size_terms<var<T, image_shape, D>> out{terms_of<var<T, image_shape, D>>(detector, head, o.loss, 0), eval(sum_all(chosen.mask)), {}};
  const auto visit = [&](const std::string&, parameter_base& p) {
    if (p.trained()) out.conditional.push_back(&p);
  };
  for_each_parameter(net.head, visit);
  if constexpr (module<C>) for_each_parameter(net.cropper, visit);
  return out;
}

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
