// What Mask R-CNN learns and says of a batch: each object's own mask inside the boxes that the box head took for it, and its predictions. The
// network's members of the same names (mask_rcnn.hpp) are these functions. Rules and numbers are torchvision's.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/detect/native_targets.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/loss/terms.hpp>
#include <dcs/nn/options.hpp>

#include <algorithm>
#include <cmath>

DCS_EXACT_MATH
namespace dcs::models::mask_rcnn {

/// Numbers of training and prediction.
struct options {
  detector_options detector{};

  template <class Self, class Field>
  static void fields(Self& o, Field&& field) {
    detector_options::fields(o.detector, field);
  }
  friend bool operator==(const options&, const options&) = default;
};

inline constexpr std::array loss_names{"classifier", "box", "objectness", "rpn_box", "mask"};

/// Boxes to learn masks in, of each image, and the number of the object that each stands for among its image's.
template <class B>
struct mask_regions {
  std::vector<std::vector<box<B>>> boxes;
  std::vector<std::vector<int>> objects;
  extent_t count() const {
    std::size_t n = 0;
    for (const auto& image : boxes) n += image.size();
    return static_cast<extent_t>(n);
  }
};

/// The positive ones of the boxes that the box head learned from.
template <class B>
mask_regions<B> positive_regions(const box_targets<B>& sampled) {
  mask_regions<B> r;
  std::size_t at = 0;
  for (std::size_t n = 0; n < sampled.boxes.size(); ++n) {
    r.boxes.emplace_back(), r.objects.emplace_back();
    for (std::size_t i = 0; i < sampled.boxes[n].size(); ++i)
      if (sampled.labels[at++] == 1) r.boxes[n].push_back(sampled.boxes[n][i]), r.objects[n].push_back(sampled.matched[n][i]);
  }
  return r;
}
/// The true boxes themselves.
template <class B>
mask_regions<B> true_regions(const std::vector<std::vector<box<B>>>& truth) {
  mask_regions<B> r{truth, {}};
  for (const auto& image : truth) {
    r.objects.emplace_back(image.size());
    for (std::size_t k = 0; k < image.size(); ++k) r.objects.back()[k] = static_cast<int>(k);
  }
  return r;
}

/// The target of each region from native masks.
template <int Map, class B, class D>
tensor<B, shape<dyn<"roi">, Map, Map, 1>, D> native_mask_targets(const targets<B, D>& known, const mask_regions<B>& regions) {
  auto crops = tensor<B, shape<dyn<"roi">, Map, Map, 1>>::empty({regions.count(), Map, Map, 1});
  B* out = crops.data();
  for (std::size_t n = 0; n < regions.boxes.size(); ++n) {
    const label_map& labels = known.native[n]->objects;
    for (std::size_t i = 0; i < regions.boxes[n].size(); ++i, out += Map * Map) {
      const std::int32_t object = regions.objects[n][i] + 1;
      native_crop<Map>(out, regions.boxes[n][i], known.masks.sizes()[1], known.masks.sizes()[2], labels.height, labels.width,
                       [&](extent_t y, extent_t x) { return labels.at(y, x) == object; });
    }
  }
  return to<D>(crops);
}

/// The target of each region: its object's own mask, sampled as densely as the region is large (RoIAlign); the native one where there are native
/// masks. shape<roi, Map, Map, 1>, of 0 to 1.
template <int Map, class B, class D>
tensor<B, shape<dyn<"roi">, Map, Map, 1>, D> mask_targets(const targets<B, D>& known, const mask_regions<B>& regions) {
  if (!known.native.empty()) return native_mask_targets<Map>(known, regions);
  using object_masks = shape<dyn<"object">, dyn<"height">, dyn<"width">, 1>;
  const auto labels = to<cpu_device>(known.objects);
  const extent_t h = labels.sizes()[1], w = labels.sizes()[2];
  extent_t count = 0;
  for (const auto& image : known.boxes) count += static_cast<extent_t>(image.size());
  auto masks = tensor<B, object_masks>::zeros({count, h, w, 1});
  std::vector<B> rois;
  extent_t first = 0;
  for (std::size_t n = 0; n < known.boxes.size(); ++n) {
    const auto objects = static_cast<extent_t>(known.boxes[n].size());
    const B* label = labels.data() + static_cast<extent_t>(n) * h * w;
    for (extent_t p = 0; p < h * w; ++p) {
      const auto k = static_cast<extent_t>(label[p]);
      if (k >= 1 && k <= objects) masks.data()[(first + k - 1) * h * w + p] = B(1);
    }
    for (std::size_t i = 0; i < regions.boxes[n].size(); ++i) {
      const auto& b = regions.boxes[n][i];
      rois.insert(rois.end(), {static_cast<B>(first + regions.objects[n][i]), b.x1, b.y1, b.x2, b.y2});
    }
    first += objects;
  }
  const auto where = tensor<B, shape<dyn<"roi">, 5>, D>::from(rois, {regions.count(), 5});
  return roi_align<Map>(to<D>(masks), where, roi_options{1, 0, false});
}

/// Logits of the object's mask in each box, shape<proposal, 28, 28, 1>.
template <class Net, class Pyramid, class B>
auto mask_logits(const Net& net, const Pyramid& pyramid, const std::vector<std::vector<box<B>>>& boxes, extent_t height) {
  return net.mask(pool_boxes<Net::mask_type::side>(boxes, pyramid, height));
}

/// Mean cross-entropy of the masks over all regions; 0 where there is none. shape<>.
template <class X, class Net, class Pyramid, class B, class D>
loss::scalar<X> mask_loss(const Net& net, const Pyramid& pyramid, const targets<B, D>& known, const mask_regions<B>& regions, extent_t height) {
  using S = loss::scalar<X>;
  if (regions.count() == 0) return S(tensor<value_t<S>, shape<>, D>::zeros());
  const auto logits = widened(mask_logits(net, pyramid, regions.boxes, height));
  using map = shape<dyn<"proposal">, Net::mask_type::map, Net::mask_type::map, 1>;
  return loss::binary_cross_entropy(logits, as<map>(mask_targets<Net::mask_type::map>(known, regions)));
}

template <class X, class Detector>
loss::terms<X, loss_names.size(), 1> terms_of(const Detector& d, const loss::scalar<X>& mask, extent_t regions) {
  return {{d.classifier, d.box, d.objectness, d.rpn_box, mask}, {regions}};
}

/// The five losses in training mode.
template <class Net, class X, class B, class D>
loss::terms<X, loss_names.size(), 1> training_losses(const Net& net, const X& images, const targets<B, D>& known, const options& o,
                                                     random_stream random) {
  const extent_t h = images.sizes()[1], w = images.sizes()[2];
  const auto pyramid = net.detector.features(images);
  const auto detector = net.detector.template losses<B>(pyramid, h, w, known.boxes, o.detector, random.child(1));
  const auto regions = positive_regions(detector.sampled);
  return terms_of<X>(detector, mask_loss<X>(net, pyramid, known, regions, h), regions.count());
}

/// The region that torchvision pastes of an object: a margin of one cell of zeros around its side × side probabilities, and the box grown likewise
/// and cut to whole pixels, which it holds from the first one's beginning to the last one's end. Pasting the grid into it (image/paste.hpp) is
/// torchvision's bilinear resizing to these pixels.
inline segmented_region padded_region(const float* probabilities, std::int64_t side, const detection<float>& of) {
  const std::int64_t padded = side + 2;
  const float grow = static_cast<float>(padded) / static_cast<float>(side);
  const auto span = [&](float low, float high) {
    const float centre = (low + high) * 0.5f, half = (high - low) * 0.5f * grow;
    const float first = std::trunc(centre - half), last = std::trunc(centre + half);
    return std::pair(first - 0.5f, std::max(first, last) + 0.5f);
  };
  const auto x = span(of.box.x1, of.box.x2), y = span(of.box.y1, of.box.y2);
  segmented_region r{{x.first, y.first, x.second, y.second}, of.score, padded, std::vector<float>(static_cast<std::size_t>(padded * padded), 0.0f)};
  for (std::int64_t i = 0; i < side; ++i) std::copy_n(probabilities + i * side, side, r.probabilities.begin() + (i + 1) * padded + 1);
  return r;
}

/// The objects' masks on a pyramid, found few at a time and pasted: one prediction for each image.
template <class Net, class Pyramid, class B>
std::vector<prediction> segment_objects(const Net& net, const Pyramid& pyramid, const std::vector<std::vector<detection<B>>>& objects, extent_t h,
                                        extent_t w) {
  constexpr std::size_t at_once = 16;
  std::vector<prediction> out;
  for (std::size_t n = 0; n < objects.size(); ++n) {
    prediction p{h, w, std::vector<float>(static_cast<std::size_t>(h * w), 0.0f), {}, {}, true};
    for (std::size_t first = 0; first < objects[n].size(); first += at_once) {
      std::vector<std::vector<box<B>>> some(objects.size());
      for (std::size_t k = first; k < std::min(objects[n].size(), first + at_once); ++k) some[n].push_back(objects[n][k].box);
      const auto maps = cast<float>(to<cpu_device>(eval(sigmoid(widened(mask_logits(net, pyramid, some, h))))));
      constexpr extent_t side = Net::mask_type::map;
      for (std::size_t k = 0; k < some[n].size(); ++k) {
        const auto& [b, score] = objects[n][first + k];
        const box<float> where{static_cast<float>(b.x1), static_cast<float>(b.y1), static_cast<float>(b.x2), static_cast<float>(b.y2)};
        p.detections.push_back({where, static_cast<float>(score)});
        p.regions.push_back(padded_region(maps.data() + static_cast<extent_t>(k) * side * side, side, p.detections.back()));
        const auto& r = p.regions.back();
        paste(r.probabilities.data(), r.side, r.box, p.probability.data(), h, w);
      }
    }
    out.push_back(std::move(p));
  }
  return out;
}

/// Losses in evaluation mode, samplers taking every candidate, masks learned in the true boxes; and predictions where they are asked for.
template <class Net, class T, class B, class D>
loss::terms<tensor<T, image_shape, D>, loss_names.size(), 1> validation_losses(const Net& net, const tensor<T, image_shape, D>& images,
                                                                               const targets<B, D>& known, const options& o,
                                                                               std::vector<prediction>* predictions = nullptr) {
  using X = tensor<T, image_shape, D>;
  const extent_t h = images.sizes()[1], w = images.sizes()[2];
  detector_options every = o.detector;
  every.take_everything();
  const auto pyramid = net.detector.features(images);
  const auto levels = net.detector.propose_levels(pyramid);
  auto found = net.detector.template proposals<B>(every.rpn, false, h, w, levels);
  if (predictions) *predictions = segment_objects(net, pyramid, net.detector.detect_among(pyramid, found, h, w, o.detector), h, w);
  const auto detector = net.detector.losses_of_levels(pyramid, levels, std::move(found), h, w, known.boxes, every, {});
  const auto regions = true_regions(known.boxes);
  return terms_of<X>(detector, mask_loss<X>(net, pyramid, known, regions, h), regions.count());
}

}  // namespace dcs::models::mask_rcnn

#include <dcs/core/header_end.inl>
