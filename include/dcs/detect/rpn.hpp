// Region proposal network (Ren et al. 2015) over a pyramid P2..P6: one head shared by the levels, proposals, and its two losses. Rules and numbers
// are torchvision's; proposals carry no gradient.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/anchors.hpp>
#include <dcs/detect/matcher.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/nms/nms.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Options of the RPN.
struct rpn_options {
  int before_nms_training = 2000, before_nms = 1000;  // per level
  int after_nms_training = 2000, after_nms = 1000;    // per image
  double nms_threshold = 0.7, smallest_side = 1e-3;
  double positive_iou = 0.7, negative_iou = 0.3;
  box_sampler sampler{256, 0.5};
  anchor_options anchors{};
  friend bool operator==(const rpn_options&, const rpn_options&) = default;
};

/// The outputs of the head for a level: objectness shape<N, H, W, 3> and deltas shape<N, H, W, 12>.
template <class Objectness, class Deltas>
struct rpn_level {
  Objectness objectness;
  Deltas deltas;
};
template <class Objectness, class Deltas>
rpn_level(Objectness, Deltas) -> rpn_level<Objectness, Deltas>;

/// 3 × 3 convolution with ReLU, then objectness and deltas per anchor. torchvision's names.
template <int Width>
struct rpn_head {
  nn::conv2d<Width, Width, 3, 1, 1, 1, true, init::normal<10>, init::zeros> conv;
  nn::conv2d<Width, anchor_shapes, 1, 1, 0, 1, true, init::normal<10>, init::zeros> cls_logits;
  nn::conv2d<Width, 4 * anchor_shapes, 1, 1, 0, 1, true, init::normal<10>, init::zeros> bbox_pred;
  DCS_MEMBERS_AS((conv, "conv.0.0"), (cls_logits, "cls_logits"), (bbox_pred, "bbox_pred"))

  template <operand X>
  constexpr auto operator()(const X& level) const {
    const auto x = eval(relu(conv(level)));
    return rpn_level{eval(cls_logits(x)), eval(bbox_pred(x))};
  }
};

/// Anchors of an image over the levels of a pyramid; begin[l] is the first of level l.
template <class T>
struct anchor_set {
  std::vector<box<T>> boxes;
  std::vector<extent_t> begin;

  level_row row_of(extent_t image, extent_t anchor) const {
    int level = 0;
    while (anchor >= begin[static_cast<std::size_t>(level) + 1]) ++level;
    const extent_t in_level = begin[static_cast<std::size_t>(level) + 1] - begin[static_cast<std::size_t>(level)];
    return {level, image * in_level + anchor - begin[static_cast<std::size_t>(level)]};
  }
};

/// The anchors for maps of P2..P6 of an image.
template <class T, class... Level>
anchor_set<T> make_anchors(const anchor_options& o, extent_t height, extent_t width, const Level&... level) {
  anchor_set<T> a;
  auto add = [&](const sizes<4>& n) {
    a.begin.push_back(static_cast<extent_t>(a.boxes.size()));
    append_anchors(a.boxes, o, a.begin.size() - 1, n[1], n[2], height / n[1], width / n[2]);
  };
  (add(level.objectness.sizes()), ...);
  a.begin.push_back(static_cast<extent_t>(a.boxes.size()));
  return a;
}

/// Proposals of one image: per level the best by objectness, decoded, clipped, without very small ones, then non-maximum suppression within each
/// level.
template <class T, class... Level>
std::vector<box<T>> propose(const rpn_options& o, bool training, extent_t image, extent_t height, extent_t width, const anchor_set<T>& anchors,
                            const Level&... level) {
  std::vector<T> boxes, scores;
  std::vector<std::int64_t> group;
  std::int64_t number = 0;
  auto take = [&](const auto& l) {
    const extent_t n = l.objectness.size() / l.objectness.sizes()[0];
    const T* objectness = value(l.objectness).data() + image * n;
    const T* deltas = value(l.deltas).data() + image * n * 4;
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    const auto most = std::min<std::ptrdiff_t>(n, training ? o.before_nms_training : o.before_nms);
    std::partial_sort(order.begin(), order.begin() + most, order.end(),
                      [&](std::int64_t a, std::int64_t b) { return objectness[a] != objectness[b] ? objectness[a] > objectness[b] : a < b; });
    for (std::ptrdiff_t i = 0; i < most; ++i) {
      const std::int64_t a = order[static_cast<std::size_t>(i)];
      const auto& anchor = anchors.boxes[static_cast<std::size_t>(anchors.begin[static_cast<std::size_t>(number)] + a)];
      const auto [b, large] = rpn_coder.decode_within(anchor, deltas + a * 4, height, width, o.smallest_side);
      if (!large) continue;
      boxes.insert(boxes.end(), {b.x1, b.y1, b.x2, b.y2});
      scores.push_back(T(1) / (T(1) + std::exp(-objectness[a])));
      group.push_back(number);
    }
    ++number;
  };
  (take(level), ...);
  auto kept = nms<T>(boxes.data(), scores.data(), static_cast<std::int64_t>(scores.size()), o.nms_threshold, group.data());
  kept.resize(std::min(kept.size(), static_cast<std::size_t>(training ? o.after_nms_training : o.after_nms)));
  std::vector<box<T>> out;
  for (auto i : kept) {
    const T* b = boxes.data() + i * 4;
    out.push_back({b[0], b[1], b[2], b[3]});
  }
  return out;
}

/// The values of a level in the type that their arithmetic is done in.
template <class Level>
auto widened_level(const Level& level) {
  return rpn_level{widened(value(level.objectness)), widened(value(level.deltas))};
}

namespace cpu {

/// Proposals of every image, as dcs::propose chooses them.
template <class T, class... Level>
std::vector<std::vector<box<T>>> propose_all(device, const rpn_options& o, bool training, std::int64_t height, std::int64_t width,
                                             const Level&... level) {
  const auto anchors = make_anchors<T>(o.anchors, height, width, level...);
  std::vector<std::vector<box<T>>> all;
  const extent_t images = std::get<0>(std::tie(level...)).objectness.sizes()[0];
  // Boxes and scores are never of 16 bits.
  const auto propose_from = [&](const auto&... wide) {
    for (extent_t n = 0; n < images; ++n) all.push_back(propose(o, training, n, height, width, anchors, wide...));
  };
  propose_from(widened_level(level)...);
  return all;
}

}  // namespace cpu

/// The two losses of the RPN, each shape<>.
template <class X>
struct rpn_losses {
  X objectness, box;
};

/// Binary cross-entropy over sampled anchors, and smooth L1 over the positive ones divided by all sampled.
template <class T, class... Level>
auto rpn_loss(const rpn_options& o, const anchor_set<T>& anchors, const std::vector<std::vector<box<T>>>& truth, random_stream random,
              const Level&... level) {
  using Objectness = std::remove_cvref_t<decltype(std::get<0>(std::tie(level...)).objectness)>;
  using B = compute_type<value_t<Objectness>>;
  using D = device_t<Objectness>;
  std::vector<level_row> sampled, positive;
  std::vector<B> labels, targets;
  for (std::size_t n = 0; n < truth.size(); ++n) {
    const auto matches = match(truth[n], anchors.boxes, o.positive_iou, o.negative_iou, true);
    std::vector<int> label(matches.size());
    for (std::size_t i = 0; i < matches.size(); ++i) label[i] = matches[i] >= 0 ? 1 : matches[i] == background ? 0 : -1;
    for (std::int64_t a : o.sampler.draw(label, random.child(n))) {
      const auto i = static_cast<std::size_t>(a);
      sampled.push_back(anchors.row_of(static_cast<extent_t>(n), a));
      labels.push_back(static_cast<B>(label[i]));
      if (label[i] != 1) continue;
      positive.push_back(sampled.back());
      T target[4];
      rpn_coder.encode(anchors.boxes[i], truth[n][static_cast<std::size_t>(matches[i])], target);
      for (T v : target) targets.push_back(static_cast<B>(v));
    }
  }
  expect(!sampled.empty(), "dcs::rpn_loss: no anchor could be sampled");
  const auto label = tensor<B, shape<dyn<"sample">, 1>, D>::from(labels, {static_cast<extent_t>(labels.size()), 1});
  const auto target = tensor<B, shape<dyn<"sample">, 4>, D>::from(targets, {static_cast<extent_t>(positive.size()), 4});
  const auto objectness = loss::binary_cross_entropy(widened(gather_rows<1>(sampled, level.objectness...)), label);
  const auto box = eval(loss::smooth_l1_sum(widened(gather_rows<4>(positive, level.deltas...)), target) / static_cast<double>(sampled.size()));
  return rpn_losses<std::remove_cvref_t<decltype(box)>>{objectness, box};
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
