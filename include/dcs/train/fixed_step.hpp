// A training step whose sizes do not depend on the data: fixed numbers of proposals, samples and regions, of which weights and a mask say which are
// there. The host waits for nothing and decides nothing, so that a GPU may repeat the step (captured_step.hpp). Losses and gradients are those of
// train_step; the losses stay in the device's memory until they are read.
#pragma once

#include <dcs/detect/fixed_losses.cuh>
#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/regions.cuh>
#include <dcs/train/step.hpp>

namespace dcs {

/// A batch on a device, in memory that is filled again and again: images of T, masks and true boxes of what T is computed in.
template <cuda::gpu D, class T>
struct fixed_batch {
  using B = compute_type<T>;
  tensor<T, image_shape, D> images;
  tensor<B, mask_shape, D> masks;
  cuda::box_memory<B, D> truth;
  tensor<B, shape<dyn<"roi">, 5>, D> whole;  // the images themselves as regions, and the mask of as many that are there
  tensor<B, shape<dyn<"roi">>, D> every;

  /// For n images of h × w with at most `most_truth` true boxes each.
  fixed_batch(extent_t n, extent_t h, extent_t w, extent_t most_truth = 16)
      : images(tensor<T, image_shape, D>::zeros({n, h, w, 3})),
        masks(tensor<B, mask_shape, D>::zeros({n, h, w, 1})),
        truth(n, most_truth),
        whole(make_rois<dyn<"roi">, D>(detail::whole_images<B>(n, h, w))),
        every(tensor<B, shape<dyn<"roi">>, D>::full({n}, B(1))) {}
};

/// What a fixed_batch is filled with, on the host: contiguous arrays of its very elements.
template <class T>
struct staged_batch {
  using B = compute_type<T>;
  tensor<T, image_shape> images;
  tensor<B, mask_shape> masks;
  std::vector<B> corners;
  std::vector<std::int32_t> counts;
};

/// A batch as a fixed_batch takes it. Throws dcs::error for more than `most_truth` true boxes of an image, and for one without area.
template <class T>
staged_batch<T> staged(const batch& b, extent_t most_truth) {
  using B = compute_type<T>;
  staged_batch<T> s{cast<T>(b.images), cast<B>(b.masks), std::vector<B>(b.boxes.size() * static_cast<std::size_t>(most_truth) * 4), {}};
  for (std::size_t n = 0; n < b.boxes.size(); ++n) {
    const auto& boxes = b.boxes[n];
    expect(static_cast<extent_t>(boxes.size()) <= most_truth, "dcs::staged: image ", n, " has ", boxes.size(), " true boxes; expected at most ",
           most_truth);
    s.counts.push_back(static_cast<std::int32_t>(boxes.size()));
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const auto& x = boxes[i];
      expect(x.width() > 0 && x.height() > 0, "dcs::staged: a true box of image ", n, " is ", x.width(), " wide and ", x.height(),
             " high; expected both positive");
      B* to = s.corners.data() + (n * static_cast<std::size_t>(most_truth) + i) * 4;
      to[0] = static_cast<B>(x.x1), to[1] = static_cast<B>(x.y1), to[2] = static_cast<B>(x.x2), to[3] = static_cast<B>(x.y2);
    }
  }
  return s;
}

/// Throws dcs::error where sizes differ.
template <class D, class T>
void check(const fixed_batch<D, T>& to, const staged_batch<T>& s) {
  expect(to.images.sizes() == s.images.sizes() && to.masks.sizes() == s.masks.sizes(), "dcs::fixed_batch: images of ", to_string(s.images.sizes()),
         " and masks of ", to_string(s.masks.sizes()), " for a fixed batch of ", to_string(to.images.sizes()));
  expect(to.truth.corners.size() == static_cast<extent_t>(s.corners.size()), "dcs::fixed_batch: ", s.corners.size() / 4,
         " places for true boxes; expected ", to.truth.corners.size() / 4);
}

/// Fills a batch. Throws dcs::error where sizes differ.
template <class D, class T>
void put(fixed_batch<D, T>& to, const staged_batch<T>& s) {
  check(to, s);
  D::copy_from_host(to.images.data(), s.images.data(), s.images.bytes());
  D::copy_from_host(to.masks.data(), s.masks.data(), s.masks.bytes());
  D::copy_from_host(to.truth.corners.data(), s.corners.data(), to.truth.corners.bytes());
  D::copy_from_host(to.truth.counts.data(), s.counts.data(), static_cast<std::int64_t>(s.counts.size() * sizeof(std::int32_t)));
}

/// The terms of a step's loss on a device.
template <cuda::gpu D, class B>
class fixed_losses {
 public:
  template <class... X>
  void put(const X&... term) {
    static_assert(sizeof...(X) == 10);
    extent_t at = 0;
    (D::copy(terms_.data() + at++, value(term).data(), sizeof(B)), ...);
  }
  /// Waits for them. Throws dcs::error where the loss is not finite.
  step_losses read() const {
    B t[10];
    D::copy_to_host(t, terms_.data(), sizeof t);
    step_losses l;
    double* const to[] = {&l.total, &l.main, &l.levels, &l.edge, &l.consistency, &l.classifier, &l.box, &l.objectness, &l.rpn_box};
    for (std::size_t i = 0; i < 9; ++i) *to[i] = static_cast<double>(t[i]);
    l.regions = static_cast<extent_t>(t[9]);
    expect(std::isfinite(l.total), "dcs::fixed_train_step: the loss is ", l.total);
    return l;
  }

 private:
  tensor<B, shape<10>, D> terms_ = tensor<B, shape<10>, D>::zeros();
};

namespace detail {
// Parameters that the head's loss alone reaches.
template <class Net, class Visit>
void for_each_region_parameter(Net& net, const Visit& visit) {
  for_each_parameter(net.head, visit);
  if constexpr (module<typename Net::cropper_type>) for_each_parameter(net.cropper, visit);
}
}  // namespace detail

/// Losses of a batch in training mode into `losses`, with their gradients in the network's parameters: train_step without a wait of the host and
/// without a size that depends on the data. Where no region is there, the head's losses and gradients are 0, its statistics untouched, and its
/// gradients count as none, as on the host: an optimiser leaves its parameters alone. One difference remains: dropout draws for dead regions too, so
/// that where one lies before a living one (an image with fewer regions than options.regions.most is not the last) the living ones draw other numbers
/// than in train_step, of the same chances.
template <class D, class T, class Net>
void fixed_train_step(Net& net, const fixed_batch<D, T>& b, const step_options& o, random_stream random, fixed_losses<D, compute_type<T>>& losses) {
  using B = compute_type<T>;
  const random_scope dropout(random);
  const extent_t n = b.images.sizes()[0], h = b.images.sizes()[1], w = b.images.sizes()[2];
  const auto pyramid = net.detector.features(var<T, image_shape, D>(b.images));
  const auto detector = cuda::fixed_detector_losses(net.detector, pyramid, h, w, b.truth.seen(), o.detector, random.child(1));
  const auto regions = [&]() -> cuda::masked_regions<B, D> {
    if constexpr (Net::cropper_type::takes_whole_images)
      return {b.whole, b.every};
    else
      return cuda::regions(D{}, o.regions, n, h, w, cuda::proposals_and_truth<B>{detector.proposals.seen(), b.truth.seen()}, random.child(2),
                           random.child(3));
  }();
  const row_mask_scope there(regions.mask);
  const auto head =
      loss::total(detail::widened_maps(net.segment(pyramid, regions.rois)), region_targets<Net::base>(b.masks, regions.rois), regions.mask, o.loss);
  const auto total = eval(detector.total() + head.total);
  const auto alive = eval(sum_all(regions.mask));
  losses.put(total, head.main, head.levels, head.edge, head.consistency, detector.classifier, detector.box, detector.objectness, detector.rpn_box,
             alive);
  backward(total);
  detail::for_each_region_parameter(net, [&](const std::string&, parameter_base& p) {
    if (p.trained()) p.set_condition(alive.memory());
  });
}

}  // namespace dcs
