// DCSNet on a batch: the regions that it segments, its losses in training and in validation, and its predictions. The network's members of the same
// names (dcsnet.hpp) are these functions.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/detect/native_targets.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/loss/terms.hpp>
#include <dcs/models/dcsnet/loss.hpp>
#include <dcs/models/dcsnet/regions.hpp>
#include <dcs/nn/options.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Options of training and prediction.
struct options {
  detector_options detector{};
  region_options regions{};
  loss_options loss{};
  bool schedule = false;  // whether the levels' weights follow the schedule that the paper suggests

  template <class Self, class Field>
  static void fields(Self& o, Field&& field) {
    detector_options::fields(o.detector, field);
    field("truth_regions", o.regions.ground_truth_only, "train the head on jittered ground truth only");
    field("schedule", o.schedule, "change the weights of the levels during training");
  }
  /// Called at the beginning of an epoch with the fraction of the epochs that is done.
  void progress(double done) { loss.levels = level_weights(schedule, done); }
  friend bool operator==(const options&, const options&) = default;
};

inline constexpr std::array loss_names{"main", "levels", "edge", "consistency", "classifier", "box", "objectness", "rpn_box"};

/// The number of regions that are segmented at once outside of training. The head's intermediate values for one region need hundreds of times the
/// memory of its result.
inline constexpr extent_t regions_at_once = 16;

template <class B>
std::vector<std::vector<box<B>>> whole_images(extent_t n, extent_t h, extent_t w) {
  return std::vector<std::vector<box<B>>>(static_cast<std::size_t>(n), {{0, 0, static_cast<B>(w), static_cast<B>(h)}});
}

/// A head's logits for the losses: converted to f32 where the maps are bf16.
template <class X>
auto widened_maps(const segmentation<X>& s) {
  if constexpr (std::is_same_v<compute_type<value_t<X>>, value_t<X>>)
    return s;
  else
    return segmentation<decltype(widened(s.main))>{
        widened(s.main), widened(s.edge), {widened(s.levels[0]), widened(s.levels[1]), widened(s.levels[2]), widened(s.levels[3])}};
}

/// Calls body(first, RoIs first, ...) for parts of the RoIs, regions_at_once each.
template <class B, class S, class D, class Body>
void for_parts_of_regions(const tensor<B, S, D>& rois, const Body& body) {
  const extent_t count = rois.sizes()[0];
  for (extent_t first = 0; first < count; first += regions_at_once) {
    auto part = tensor<B, S, D>::empty({std::min(regions_at_once, count - first), 5});
    D::copy(part.data(), rois.data() + first * 5, part.bytes());
    body(first, part);
  }
}
/// Copies maps of regions into rows `first`, ... of `all`, which is allocated for `count` regions at the first call.
template <class T, class S, class D>
void copy_maps(tensor<T, S, D>& all, const tensor<T, S, D>& part, extent_t first, extent_t count) {
  auto sizes = part.sizes();
  const extent_t size = part.size() / sizes[0];
  sizes[0] = count;
  if (first == 0) all = tensor<T, S, D>::empty(sizes);
  D::copy(all.data() + first * size, part.data(), part.bytes());
}
/// The head's logits for all RoIs, computed part by part and concatenated, so that a loss over all of them is the same as after one call.
template <class Net, class Pyramid, class B, class S, class D>
auto segment_in_parts(const Net& net, const Pyramid& pyramid, const tensor<B, S, D>& rois) {
  const extent_t count = rois.sizes()[0];
  if (count <= regions_at_once) return net.segment(pyramid, rois);
  decltype(net.segment(pyramid, rois)) all;
  for_parts_of_regions(rois, [&](extent_t first, const tensor<B, S, D>& some) {
    const auto part = net.segment(pyramid, some);
    copy_maps(all.main, part.main, first, count), copy_maps(all.edge, part.edge, first, count);
    for (std::size_t l = 0; l < all.levels.size(); ++l) copy_maps(all.levels[l], part.levels[l], first, count);
  });
  return all;
}

/// The terms of a step's loss, from the losses of detector and head; the head's are 0 where there is no region.
template <class X, class Detector, class Head>
loss::terms<X, loss_names.size(), 1> terms_of(const Detector& d, const Head& h, const loss_options& o, extent_t regions) {
  return {{h.main, h.levels, eval(h.edge * o.edge), eval(h.consistency * o.consistency), d.classifier, d.box, d.objectness, d.rpn_box}, {regions}};
}
template <class X, class Detector>
loss::terms<X, loss_names.size(), 1> terms_of(const Detector& d) {
  using S = loss::scalar<X>;
  const S zero{tensor<value_t<S>, shape<>, device_t<S>>::zeros()};
  return {{zero, zero, zero, zero, d.classifier, d.box, d.objectness, d.rpn_box}, {0}};
}

/// Regions of a training step: chosen among proposals and ground truth, and jittered.
template <class Net, class B>
std::vector<std::vector<box<B>>> training_regions(const std::vector<std::vector<box<B>>>& proposals, const std::vector<std::vector<box<B>>>& truth,
                                                  const region_options& o, extent_t h, extent_t w, random_stream random) {
  if (Net::cropper_type::takes_whole_images) return whole_images<B>(static_cast<extent_t>(truth.size()), h, w);
  std::vector<std::vector<box<B>>> regions;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    regions.push_back(choose_regions(o, proposals[i], truth[i], random.child(2).child(i)));
    for (std::size_t k = 0; k < regions[i].size(); ++k) regions[i][k] = jitter(o, regions[i][k], h, w, random.child(3).child(i).child(k));
  }
  return regions;
}

/// Losses in training mode: of the detector, and of the head on chosen and jittered regions. Without any region the head's losses are 0 and its
/// statistics do not change. `regions`: regions to use instead of chosen ones.
template <class Net, class X, class B, class D>
loss::terms<X, loss_names.size(), 1> training_losses(const Net& net, const X& images, const targets<B, D>& known, const options& o,
                                                     random_stream random, const std::vector<std::vector<box<B>>>* regions = nullptr) {
  const extent_t h = images.sizes()[1], w = images.sizes()[2];
  const auto pyramid = net.detector.features(images);
  const auto detector = net.detector.template losses<B>(pyramid, h, w, known.boxes, o.detector, random.child(1));
  const auto rois = make_rois<dyn<"roi">, D>(regions ? *regions : training_regions<Net>(detector.proposals, known.boxes, o.regions, h, w, random));
  if (rois.sizes()[0] == 0) return terms_of<X>(detector);
  const auto head = total_loss(widened_maps(net.segment(pyramid, rois)), region_targets<Net::base>(known, rois), o.loss);
  return terms_of<X>(detector, head, o.loss, rois.sizes()[0]);
}

/// The predictions for images from detected objects: each is segmented, a few at a time, and pasted into the image.
template <class Net, class Pyramid, class B>
std::vector<prediction> segment_objects(const Net& net, const Pyramid& pyramid, std::vector<std::vector<detection<B>>> objects, extent_t h,
                                        extent_t w) {
  using D = device_t<std::tuple_element_t<0, Pyramid>>;
  std::vector<prediction> out;
  std::vector<std::vector<box<B>>> regions;
  for (const auto& image : objects) {
    out.push_back({h, w, std::vector<float>(static_cast<std::size_t>(h * w), 0.0f), {}, {}, true});
    regions.emplace_back();
    for (const auto& [b, score] : image) {
      regions.back().push_back(b);
      out.back().detections.push_back(
          {{static_cast<float>(b.x1), static_cast<float>(b.y1), static_cast<float>(b.x2), static_cast<float>(b.y2)}, static_cast<float>(score)});
    }
  }
  const auto rois = make_rois<dyn<"roi">>(regions);
  for_parts_of_regions(to<D>(rois), [&](extent_t first, const auto& some) {
    const auto p = cast<float>(to<cpu_device>(eval(sigmoid(widened(net.segment(pyramid, some, false).main)))));
    for (extent_t i = 0, k = first; i < some.sizes()[0]; ++i, ++k) {
      const float* of_region = p.data() + i * Net::base * Net::base;
      prediction& image = out[static_cast<std::size_t>(rois(k, 0))];
      const auto& found = image.detections[image.regions.size()];
      paste(of_region, Net::base, found.box, image.probability.data(), h, w);
      image.regions.push_back({found.box, found.score, Net::base, {of_region, of_region + Net::base * Net::base}});
    }
  });
  return out;
}

/// Losses in evaluation mode, and predictions where `predictions` asks for them; the backbone and the heads of the detector are applied once for
/// both. Regions of the losses are the true boxes, unperturbed, and samplers take every candidate; the head segments few regions at a time, and its
/// losses are those of all their maps together.
template <class Net, class T, class B, class D>
loss::terms<tensor<T, image_shape, D>, loss_names.size(), 1> validation_losses(const Net& net, const tensor<T, image_shape, D>& images,
                                                                               const targets<B, D>& known, const options& o,
                                                                               std::vector<prediction>* predictions = nullptr) {
  using X = tensor<T, image_shape, D>;
  const extent_t n = images.sizes()[0], h = images.sizes()[1], w = images.sizes()[2];
  detector_options every = o.detector;
  every.take_everything();
  const auto pyramid = net.detector.features(images);
  const auto levels = net.detector.propose_levels(pyramid);
  auto found = net.detector.template proposals<B>(every.rpn, false, h, w, levels);
  if (predictions)
    *predictions = segment_objects(
        net, pyramid,
        Net::cropper_type::takes_whole_images ? certain<B>(whole_images<B>(n, h, w)) : net.detector.detect_among(pyramid, found, h, w, o.detector), h,
        w);
  const auto detector = net.detector.losses_of_levels(pyramid, levels, std::move(found), h, w, known.boxes, every, {});
  const auto rois = make_rois<dyn<"roi">, D>(Net::cropper_type::takes_whole_images ? whole_images<B>(n, h, w) : known.boxes);
  if (rois.sizes()[0] == 0) return terms_of<X>(detector);
  const auto head = total_loss(widened_maps(segment_in_parts(net, pyramid, rois)), region_targets<Net::base>(known, rois), o.loss);
  return terms_of<X>(detector, head, o.loss, rois.sizes()[0]);
}

/// Predictions: the final detections, or `boxes` if passed, each segmented and pasted into the image; the whole image where the cropper takes whole
/// images.
template <class Net, class T, class D>
std::vector<prediction> predictions(const Net& net, const tensor<T, image_shape, D>& images, const options& o,
                                    const std::vector<std::vector<box<float>>>* boxes = nullptr) {
  using B = compute_type<T>;
  const extent_t n = images.sizes()[0], h = images.sizes()[1], w = images.sizes()[2];
  const auto pyramid = net.detector.features(images);
  if (boxes) return segment_objects(net, pyramid, certain<B>(*boxes), h, w);
  if (Net::cropper_type::takes_whole_images) return segment_objects(net, pyramid, certain<B>(whole_images<B>(n, h, w)), h, w);
  return segment_objects(net, pyramid, net.detector.template detect<B>(pyramid, h, w, o.detector), h, w);
}

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
