// The second stage of Faster R-CNN: boxes are pooled from the pyramid's level for their size, classified and refined. torchvision's TwoMLPHead and
// predictor, with its rules.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/matcher.hpp>
#include <dcs/detect/stages.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Options of the box head.
struct box_head_options {
  double positive_iou = 0.5;
  box_sampler sampler{512, 0.25};
  double score_threshold = 0.35, nms_threshold = 0.5, smallest_side = 1e-2;
  int most_detections = 3;
  friend bool operator==(const box_head_options&, const box_head_options&) = default;
};

/// Scores shape<K, 2> and deltas shape<K, 8> of pooled boxes.
template <class Scores, class Deltas>
struct box_predictions {
  Scores scores;
  Deltas deltas;
};
template <class Scores, class Deltas>
box_predictions(Scores, Deltas) -> box_predictions<Scores, Deltas>;

/// 7 × 7 × Width → Hidden → Hidden → 2 scores and 8 deltas (background first).
template <int Width, int Hidden>
struct box_head {
  static constexpr int side = 7, hidden = Hidden, classes = 2;
  nn::linear<side * side * Width, hidden, layout::linear_of_map<side, Width>> fc6;
  nn::linear<hidden, hidden> fc7;
  nn::linear<hidden, classes> cls_score;
  nn::linear<hidden, 4 * classes> bbox_pred;
  DCS_MEMBERS_AS((fc6, "box_head.fc6"), (fc7, "box_head.fc7"), (cls_score, "box_predictor.cls_score"), (bbox_pred, "box_predictor.bbox_pred"))

  /// pooled: shape<K, 7, 7, Width>.
  template <operand X>
  constexpr auto operator()(const X& pooled) const {
    const auto flat = reshape<shape<extent_of<shape_t<X>, 0>, side * side * Width>>(pooled);
    const auto x = eval(relu(fc7(eval(relu(fc6(flat))))));
    return box_predictions{cls_score(x), bbox_pred(x)};
  }
};

/// One RoI tensor of boxes per image: shape<Name, 5>.
template <extent Name, class D = cpu_device, class T>
tensor<T, shape<Name, 5>, D> make_rois(const std::vector<std::vector<box<T>>>& boxes) {
  std::vector<T> flat;
  for (std::size_t n = 0; n < boxes.size(); ++n)
    for (const auto& b : boxes[n]) flat.insert(flat.end(), {static_cast<T>(n), b.x1, b.y1, b.x2, b.y2});
  const auto count = static_cast<extent_t>(flat.size() / 5);
  return tensor<T, shape<Name, 5>, D>::from(flat, {count, 5});
}

/// RoIs pooled from P2..P5, each from the level that `level` names: shape<proposal, Side, Side, Width>.
template <int Side = box_head<8>::side, class Rois, class Levels, class Pyramid>
auto pool_rois(const Rois& rois, const Levels& levels, const Pyramid& p, extent_t height) {
  // The scale of a level: map height / image height, rounded to a power of two.
  auto scale = [&](const auto& map) { return std::exp2(std::round(std::log2(static_cast<double>(map.sizes()[1]) / static_cast<double>(height)))); };
  return roi_align_levels<Side>(rois, levels, {scale(std::get<0>(p)), scale(std::get<1>(p)), scale(std::get<2>(p)), scale(std::get<3>(p))}, 2,
                                std::get<0>(p), std::get<1>(p), std::get<2>(p), std::get<3>(p));
}

/// Boxes pooled from P2..P5, each from the level of its size: shape<proposal, Side, Side, Width>.
template <int Side = box_head<8>::side, class T, class Pyramid>
auto pool_boxes(const std::vector<std::vector<box<T>>>& boxes, const Pyramid& p, extent_t height) {
  using D = device_t<std::tuple_element_t<0, Pyramid>>;
  std::vector<std::int64_t> level;
  for (const auto& image : boxes)
    for (const auto& b : image) level.push_back(pooling_level(b));
  const auto rois = make_rois<dyn<"proposal">, D>(boxes);
  return pool_rois<Side>(rois, tensor<std::int64_t, shape<dyn<"proposal">>, D>::from(level, {rois.sizes()[0]}), p, height);
}

/// Boxes sampled for the box head's losses, with their labels and regression targets.
template <class T>
struct box_targets {
  std::vector<std::vector<box<T>>> boxes;  // per image, ground truth appended to the proposals before sampling
  std::vector<int> labels;                 // over all images: 0 background, 1 object
  std::vector<std::vector<int>> matched;   // per image and box: index of the ground truth
  std::vector<T> deltas;                   // of positive boxes, four each
};

template <class T>
box_targets<T> sample_boxes(const box_head_options& o, std::vector<std::vector<box<T>>> proposals, const std::vector<std::vector<box<T>>>& truth,
                            random_stream random) {
  box_targets<T> t;
  for (std::size_t n = 0; n < proposals.size(); ++n) {
    auto& all = proposals[n];
    all.insert(all.end(), truth[n].begin(), truth[n].end());
    const auto matches = match(truth[n], all, o.positive_iou, o.positive_iou, false);
    std::vector<int> label(matches.size());
    for (std::size_t i = 0; i < matches.size(); ++i) label[i] = matches[i] >= 0;
    t.boxes.emplace_back();
    t.matched.emplace_back();
    for (std::int64_t s : o.sampler.draw(label, random.child(n))) {
      const auto i = static_cast<std::size_t>(s);
      t.boxes.back().push_back(all[i]);
      t.matched.back().push_back(std::max(matches[i], 0));
      t.labels.push_back(label[i]);
      if (label[i] == 0) continue;
      T delta[4];
      box_head_coder.encode(all[i], truth[n][static_cast<std::size_t>(matches[i])], delta);
      t.deltas.insert(t.deltas.end(), delta, delta + 4);
    }
  }
  return t;
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_BOX_HEAD_ENTRIES(declare, T)                                                                                                  \
  declare box_targets<T> sample_boxes(const box_head_options&, std::vector<std::vector<box<T>>>, const std::vector<std::vector<box<T>>>&, \
                                      random_stream);
DCS_ENTRIES(DCS_BOX_HEAD_ENTRIES)

/// The two losses of the box head, each shape<>.
template <class X>
struct box_losses {
  X classifier, box;
};

/// Cross-entropy over the sampled boxes, and smooth L1 over the positive ones divided by all sampled.
template <class T, class Scores, class Deltas>
auto box_loss(const box_targets<T>& t, const box_predictions<Scores, Deltas>& p) {
  std::vector<level_row> positive;
  for (std::size_t i = 0; i < t.labels.size(); ++i)
    if (t.labels[i] == 1) positive.push_back({0, static_cast<extent_t>(2 * i + 1)});  // row: (box, class)
  using V = compute_type<value_t<Deltas>>;
  std::vector<V> deltas;
  for (T v : t.deltas) deltas.push_back(static_cast<V>(v));
  const auto target = tensor<V, shape<dyn<"sample">, 4>, device_t<Deltas>>::from(deltas, {static_cast<extent_t>(positive.size()), 4});
  const auto classifier = loss::cross_entropy(widened(p.scores), t.labels);
  const auto box = eval(loss::smooth_l1_sum(widened(gather_rows<4>(positive, p.deltas)), target) / static_cast<double>(t.labels.size()));
  return box_losses<std::remove_cvref_t<decltype(box)>>{classifier, box};
}

/// Detections of one image from the predictions of its proposals, rows [first, first + proposals.size()): softmax score above the threshold, refined,
/// clipped, non-maximum suppression, the best few. The predictions are on the host.
template <class T, class Scores, class Deltas>
std::vector<detection<T>> detections_of(const box_head_options& o, const std::vector<box<T>>& proposals, extent_t first,
                                        const box_predictions<Scores, Deltas>& p, extent_t height, extent_t width) {
  std::vector<T> boxes, scores;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    const auto row = first + static_cast<extent_t>(i);
    T s[2], d[4];
    for (int k = 0; k < 2; ++k) s[k] = static_cast<T>(value(p.scores).data()[row * 2 + k]);
    for (int k = 0; k < 4; ++k) d[k] = static_cast<T>(value(p.deltas).data()[row * 8 + 4 + k]);
    const T top = std::max(s[0], s[1]), score = std::exp(s[1] - top) / (std::exp(s[0] - top) + std::exp(s[1] - top));
    if (!(score > static_cast<T>(o.score_threshold))) continue;
    const auto [b, large] = box_head_coder.decode_within(proposals[i], d, height, width, o.smallest_side);
    if (!large) continue;
    boxes.insert(boxes.end(), {b.x1, b.y1, b.x2, b.y2});
    scores.push_back(score);
  }
  auto kept = nms<T>(boxes.data(), scores.data(), static_cast<std::int64_t>(scores.size()), o.nms_threshold);
  kept.resize(std::min(kept.size(), static_cast<std::size_t>(o.most_detections)));
  std::vector<detection<T>> out;
  for (auto i : kept) {
    const T* b = boxes.data() + i * 4;
    out.push_back({{b[0], b[1], b[2], b[3]}, scores[static_cast<std::size_t>(i)]});
  }
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
