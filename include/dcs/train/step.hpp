// One training step of DCSNet, its validation loss, and inference, on batches. The programs and the benchmark call these; a user's loop can too.
#pragma once

#include <dcs/data/folder.hpp>
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/loss.hpp>

namespace dcs {

using image_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
using mask_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 1>;

/// How pixels become the network's input: (value / 255 − mean) / deviation per channel.
struct normalisation {
  std::array<double, 3> mean{0.5, 0.5, 0.5}, deviation{0.5, 0.5, 0.5};
  static normalisation imagenet() { return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}; }
};

/// Images with their masks and boxes.
struct batch {
  tensor<float, image_shape> images;
  tensor<float, mask_shape> masks;
  std::vector<std::vector<box<float>>> boxes;
};

/// A batch of samples of one size.
inline batch make_batch(const std::vector<sample>& samples, const normalisation& n) {
  expect(!samples.empty(), "dcs::make_batch: no samples");
  const auto count = static_cast<extent_t>(samples.size());
  const extent_t h = samples[0].pixels.height, w = samples[0].pixels.width;
  batch b{tensor<float, image_shape>::empty({count, h, w, 3}), tensor<float, mask_shape>::empty({count, h, w, 1}), {}};
  for (extent_t i = 0; i < count; ++i) {
    const auto& s = samples[static_cast<std::size_t>(i)];
    expect(s.pixels.height == h && s.pixels.width == w, "dcs::make_batch: ", s.name, " is ", s.pixels.height, " × ", s.pixels.width,
           "; the others are ", h, " × ", w);
    for (extent_t p = 0; p < h * w; ++p) {
      for (extent_t c = 0; c < 3; ++c) {
        const auto k = static_cast<std::size_t>(c);
        b.images.data()[(i * h * w + p) * 3 + c] =
            static_cast<float>((static_cast<double>(s.pixels.pixels[static_cast<std::size_t>(p * 3 + c)]) / 255 - n.mean[k]) / n.deviation[k]);
      }
      b.masks.data()[i * h * w + p] = s.truth.pixels[static_cast<std::size_t>(p)];
    }
    b.boxes.push_back(object_boxes(s.truth));
  }
  return b;
}

/// Numbers of a training step.
struct step_options {
  detector_options detector{};
  region_options regions{};
  loss::total_options loss{};
  friend bool operator==(const step_options&, const step_options&) = default;
};

/// Terms of a step's loss.
struct step_losses {
  double total = 0, main = 0, levels = 0, edge = 0, consistency = 0, classifier = 0, box = 0, objectness = 0, rpn_box = 0;
  extent_t regions = 0;

  step_losses& operator+=(const step_losses& o) {
    total += o.total, main += o.main, levels += o.levels, edge += o.edge, consistency += o.consistency;
    classifier += o.classifier, box += o.box, objectness += o.objectness, rpn_box += o.rpn_box, regions += o.regions;
    return *this;
  }
  step_losses scaled(double f) const {
    return {total * f, main * f, levels * f, edge * f, consistency * f, classifier * f, box * f, objectness * f, rpn_box * f, regions};
  }
};

namespace detail {

template <class R>
void put_detector(step_losses& l, const R& r) {
  l.classifier = static_cast<double>(r.classifier.item()), l.box = static_cast<double>(r.box.item());
  l.objectness = static_cast<double>(r.objectness.item()), l.rpn_box = static_cast<double>(r.rpn_box.item());
}
template <class H>
void put_head(step_losses& l, const H& h) {
  l.main = static_cast<double>(h.main.item()), l.levels = static_cast<double>(h.levels.item());
  l.edge = static_cast<double>(h.edge.item()), l.consistency = static_cast<double>(h.consistency.item());
}

template <class B = float>
std::vector<std::vector<box<B>>> whole_images(extent_t n, extent_t h, extent_t w) {
  return std::vector<std::vector<box<B>>>(static_cast<std::size_t>(n), {{0, 0, static_cast<B>(w), static_cast<B>(h)}});
}
// Boxes in the numbers that a step computes them in.
template <class B>
std::vector<std::vector<box<B>>> boxes_in(const std::vector<std::vector<box<float>>>& boxes) {
  if constexpr (std::is_same_v<B, float>) {
    return boxes;
  } else {
    std::vector<std::vector<box<B>>> out(boxes.size());
    for (std::size_t n = 0; n < boxes.size(); ++n)
      for (const auto& b : boxes[n]) out[n].push_back({b.x1, b.y1, b.x2, b.y2});
    return out;
  }
}
// A head's logits as losses take them.
template <class X>
auto widened_maps(const segmentation<X>& s) {
  if constexpr (std::is_same_v<compute_type<value_t<X>>, value_t<X>>)
    return s;
  else
    return segmentation<decltype(widened(s.main))>{
        widened(s.main), widened(s.edge), {widened(s.levels[0]), widened(s.levels[1]), widened(s.levels[2]), widened(s.levels[3])}};
}
// A part of a batch where the network lies, in its element type.
template <class D, class T, class S>
tensor<T, S, D> brought(const tensor<float, S>& x) {
  return to<D>(cast<T>(x));
}

}  // namespace detail

/// Losses of a batch in training mode, with their gradients in the network's parameters, which lie on device D; the batch is brought there. T:
/// element type of the network's maps. `given`: regions to use instead of chosen and jittered ones.
template <class D = cpu_device, class T = float, class Net>
step_losses train_step(Net& net, const batch& b, const step_options& o, random_stream random,
                       const std::vector<std::vector<box<float>>>* given = nullptr) {
  const random_scope dropout(random);
  const extent_t n = b.images.sizes()[0], h = b.images.sizes()[1], w = b.images.sizes()[2];
  using B = compute_type<T>;
  const auto truth = detail::boxes_in<B>(b.boxes);
  const auto pyramid = net.detector.features(var<T, image_shape, D>(detail::brought<D, T>(b.images)));
  auto detector = net.detector.template losses<B>(pyramid, h, w, truth, o.detector, random.child(1));
  std::vector<std::vector<box<B>>> regions;
  if (given)
    regions = detail::boxes_in<B>(*given);
  else if (Net::cropper_type::takes_whole_images)
    regions = detail::whole_images<B>(n, h, w);
  else
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      regions.push_back(choose_regions(o.regions, detector.proposals[i], truth[i], random.child(2).child(i)));
      for (std::size_t k = 0; k < regions[i].size(); ++k) regions[i][k] = jitter(o.regions, regions[i][k], h, w, random.child(3).child(i).child(k));
    }
  const auto rois = make_rois<dyn<"roi">, D>(regions);
  step_losses l;
  detail::put_detector(l, detector);
  l.regions = rois.sizes()[0];
  auto total = detector.total();
  if (l.regions > 0) {  // no region: head loss 0, statistics untouched
    const auto head =
        loss::total(detail::widened_maps(net.segment(pyramid, rois)), region_targets<Net::base>(detail::brought<D, B>(b.masks), rois), o.loss);
    detail::put_head(l, head);
    total = eval(total + head.total);
  }
  l.total = static_cast<double>(total.item());
  expect(std::isfinite(l.total), "dcs::train_step: the loss is ", l.total);
  backward(total);
  return l;
}

/// The validation loss: evaluation mode, true boxes unperturbed, samplers taking every candidate. The network lies on device D. Throws dcs::error
/// where the loss is not finite.
template <class D = cpu_device, class T = float, class Net>
step_losses validation_losses(Net& net, const batch& b, const step_options& o) {
  const extent_t n = b.images.sizes()[0], h = b.images.sizes()[1], w = b.images.sizes()[2];
  using B = compute_type<T>;
  const auto truth = detail::boxes_in<B>(b.boxes);
  const auto pyramid = net.detector.features(detail::brought<D, T>(b.images));
  auto options = detector_options::everything();
  const auto detector = net.detector.template losses<B>(pyramid, h, w, truth, options, {}, false);
  const auto rois = make_rois<dyn<"roi">, D>(Net::cropper_type::takes_whole_images ? detail::whole_images<B>(n, h, w) : truth);
  step_losses l;
  detail::put_detector(l, detector);
  l.total = static_cast<double>(detector.total().item());
  l.regions = rois.sizes()[0];
  if (l.regions > 0) {
    const auto head =
        loss::total(detail::widened_maps(net.segment(pyramid, rois)), region_targets<Net::base>(detail::brought<D, B>(b.masks), rois), o.loss);
    detail::put_head(l, head);
    l.total += static_cast<double>(head.total.item());
  }
  expect(std::isfinite(l.total), "dcs::validation_losses: the loss is ", l.total);
  return l;
}

/// What the network says of an image: probability per pixel and the boxes it looked into.
struct prediction {
  std::int64_t height = 0, width = 0;
  std::vector<float> probability;
  std::vector<detection<float>> detections;

  mask above(float threshold = 0.5f) const {
    mask m{height, width, std::vector<std::uint8_t>(probability.size())};
    for (std::size_t i = 0; i < m.pixels.size(); ++i) m.pixels[i] = probability[i] > threshold;
    return m;
  }
};

/// Predictions of images (shape<N, H, W, 3>, normalised): the final detections, or `boxes` where given, each segmented and pasted back. The network
/// lies on device D.
template <class D = cpu_device, class T = float, class Net>
std::vector<prediction> predict(const Net& net, const tensor<float, image_shape>& images, const detector_options& o = {},
                                const std::vector<std::vector<box<float>>>* boxes = nullptr) {
  const extent_t n = images.sizes()[0], h = images.sizes()[1], w = images.sizes()[2];
  const auto pyramid = net.detector.features(detail::brought<D, T>(images));
  std::vector<std::vector<detection<float>>> found(static_cast<std::size_t>(n));
  if (boxes || Net::cropper_type::takes_whole_images) {
    const auto given = boxes ? *boxes : detail::whole_images(n, h, w);
    for (std::size_t i = 0; i < found.size(); ++i)
      for (const auto& b : given[i]) found[i].push_back({b, 1});
  } else {
    const auto there = net.detector.template detect<compute_type<T>>(pyramid, h, w, o);
    for (std::size_t i = 0; i < found.size(); ++i)
      for (const auto& [b, score] : there[i])
        found[i].push_back(
            {{static_cast<float>(b.x1), static_cast<float>(b.y1), static_cast<float>(b.x2), static_cast<float>(b.y2)}, static_cast<float>(score)});
  }
  std::vector<std::vector<box<float>>> regions(found.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const auto& d : found[i]) regions[i].push_back(d.box);
  const auto rois = make_rois<dyn<"roi">>(regions);
  std::vector<prediction> out;
  for (auto& d : found) out.push_back({h, w, std::vector<float>(static_cast<std::size_t>(h * w), 0.0f), std::move(d)});
  if (rois.sizes()[0] == 0) return out;
  const auto there = to<D>(cast<compute_type<T>>(rois));
  const auto p = cast<float>(to<cpu_device>(eval(sigmoid(widened(net.segment(pyramid, there, false).main)))));
  for (extent_t k = 0; k < rois.sizes()[0]; ++k)
    paste(p.data() + k * Net::base * Net::base, Net::base, box<float>{rois(k, 1), rois(k, 2), rois(k, 3), rois(k, 4)},
          out[static_cast<std::size_t>(rois(k, 0))].probability.data(), h, w);
  return out;
}

namespace detail {
inline tensor<float, image_shape> flipped(const tensor<float, image_shape>& x, bool horizontal, bool vertical) {
  auto y = tensor<float, image_shape>::empty(x.sizes());
  const auto [n, h, w, c] = x.sizes();
  for (extent_t b = 0; b < n; ++b)
    for (extent_t i = 0; i < h; ++i)
      for (extent_t j = 0; j < w; ++j)
        for (extent_t k = 0; k < c; ++k) y(b, i, j, k) = x(b, vertical ? h - 1 - i : i, horizontal ? w - 1 - j : j, k);
  return y;
}
}  // namespace detail

/// Test-time augmentation: the mean probability over the identity, both flips and their product, each with its own detections. The detections
/// returned are those of the identity.
template <class D = cpu_device, class T = float, class Net>
std::vector<prediction> predict_augmented(const Net& net, const tensor<float, image_shape>& images, const detector_options& o = {}) {
  auto out = predict<D, T>(net, images, o);
  for (const auto& [horizontal, vertical] : {std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
    const auto more = predict<D, T>(net, detail::flipped(images, horizontal, vertical), o);
    for (std::size_t n = 0; n < out.size(); ++n)
      for (std::int64_t i = 0; i < out[n].height; ++i)
        for (std::int64_t j = 0; j < out[n].width; ++j)
          out[n].probability[static_cast<std::size_t>(i * out[n].width + j)] += more[n].probability[static_cast<std::size_t>(
              (vertical ? out[n].height - 1 - i : i) * out[n].width + (horizontal ? out[n].width - 1 - j : j))];
  }
  for (auto& p : out)
    for (float& v : p.probability) v /= 4;
  return out;
}

}  // namespace dcs
