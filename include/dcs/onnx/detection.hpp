// The stages of a detector that choose boxes by their values, as nodes: proposals of the RPN (detect/rpn.hpp), final detections
// (detect/box_head.hpp). Rules, order and ties are those of dcs; boxes are decoded in double, as there. The number of boxes is a free extent.
//
// Kernels of other programs need not accept 0 boxes. Lists that go through layers therefore end with a box that ends before it begins, which stands
// for "none": its refined box has no size and is dropped, and its mask covers no pixel. So an image without objects has no detections and zeros as
// its mask, as in dcs.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/onnx/roi_align.hpp>

#include <cmath>
#include <numbers>

DCS_EXACT_MATH
namespace dcs::onnx {

/// Boxes and their scores in a graph: [n, 4] (x1, y1, x2, y2) and [n].
struct boxes {
  id corners, scores;
};

namespace detail {

inline constexpr float empty_box[4] = {1, 1, 0, 0};
inline id no_box(graph& g) { return g.constant<float>(element::f32, {1, 4}, {empty_box, empty_box + 4}); }

/// Rows of x by their numbers, as many as there are numbers.
inline id rows_of(graph& g, id x, id index) {
  dims n = g.extents(x);
  n[0] = g.extents(index)[0];
  return g.add("Gather", {x, index}, n, g[index].free, {attribute::of("axis", 0)}, g[x].type);
}
inline id column(graph& g, id x, std::int64_t i) { return g.reshape(sliced(g, x, 1, i, 1), {g.extents(x)[0]}); }
/// Columns side by side, each [n].
inline id matrix_of(graph& g, const std::vector<id>& columns) {
  std::vector<id> parts;
  const std::int64_t n = g.extents(columns[0])[0];
  for (const id v : columns) parts.push_back(g.reshape(v, {n, 1}));
  return g.add("Concat", parts, {n, static_cast<std::int64_t>(columns.size())}, g[columns[0]].free, {attribute::of("axis", 1)}, g[columns[0]].type);
}
/// Lists one after the other.
inline id appended(graph& g, const std::vector<id>& lists) {
  dims n = g.extents(lists[0]);
  n[0] = traced_extent;
  return g.add("Concat", lists, n, 0, {attribute::of("axis", 0)}, g[lists[0]].type);
}
/// The `most` largest of a list, falling; of equal ones the first. `second` of the node has their numbers.
inline std::pair<id, id> largest(graph& g, id list, id most, std::int64_t n, int free) {
  const id values = g.add("TopK", {list, most}, {n}, free, {attribute::of("axis", 0), attribute::of("largest", 1), attribute::of("sorted", 1)});
  return {values, g.second(values, {n}, free, element::i64)};
}
/// The numbers of the boxes that suppression keeps, at most `most`, by falling score. Boxes of negative score are no candidates.
inline id suppressed(graph& g, const boxes& b, double threshold, std::int64_t most) {
  const std::int64_t n = g.extents(b.scores)[0];
  const int free = g[b.scores].free < 0 ? -1 : 1;
  // An axis in front: Unsqueeze, as a reshape would not know which of two axes is free.
  const id corners = g.add("Unsqueeze", {b.corners, g.list({0})}, {1, n, 4}, free);
  const id scores = g.add("Unsqueeze", {b.scores, g.list({0, 1})}, {1, 1, n}, free < 0 ? -1 : 2);
  float bound = static_cast<float>(threshold);  // compared in float, as dcs::nms does
  if (static_cast<double>(bound) > threshold) bound = std::nextafter(bound, -1.0f);
  const id kept = g.add("NonMaxSuppression", {corners, scores, g.list({most}), g.number(static_cast<double>(bound)), g.number(-0.5)},
                        {traced_extent, 3}, 0, {}, element::i64);
  return g.add("Gather", {kept, g.number(2, element::i64)}, {traced_extent}, 0, {attribute::of("axis", 1)}, element::i64);
}

/// box_coder::decode_within: references and deltas, [n, 4], in double; the boxes in f32, and whether their sides are at least `smallest`.
struct decoded {
  id corners, large;
};
inline decoded decode(graph& g, const box_coder& coder, id reference, id delta, std::int64_t height, std::int64_t width, double smallest) {
  const auto number = [&](double x) { return g.number(x, element::f64); };
  const auto op = [&](const char* name, id a, id b) { return binary(g, name, a, b); };
  // Along an axis: corners low and high, delta of the centre with its weight, delta of the size with its.
  const auto along = [&](std::int64_t axis, double weight, double size_weight, std::int64_t limit) {
    const id low = column(g, reference, axis), size = op("Sub", column(g, reference, axis + 2), low);
    const id centre = op("Add", op("Mul", op("Div", column(g, delta, axis), number(weight)), size), op("Add", low, op("Div", size, number(2))));
    const id growth = op("Min", op("Div", column(g, delta, axis + 2), number(size_weight)), number(box_coder::most_growth));
    const id half = op("Div", op("Mul", unary(g, "Exp", growth), size), number(2));
    const auto within = [&](id x) { return op("Min", op("Max", x, number(0)), number(static_cast<double>(limit))); };
    return std::pair(within(op("Sub", centre, half)), within(op("Add", centre, half)));
  };
  const auto [x1, x2] = along(0, coder.wx, coder.ww, width);
  const auto [y1, y2] = along(1, coder.wy, coder.wh, height);
  const auto at_least = [&](id low, id high) { return truth(g, "GreaterOrEqual", op("Sub", high, low), number(smallest)); };
  return {converted(g, matrix_of(g, {x1, y1, x2, y2}), element::f32), truth(g, "And", at_least(x1, x2), at_least(y1, y2))};
}

/// The proposals of one level of the RPN, after suppression.
template <class Level>
boxes proposals_of_level(graph& g, const rpn_options& o, std::int64_t height, std::int64_t width, const Level& level,
                         const std::vector<double>& anchors) {
  const std::int64_t n = level.objectness.size(), most = std::min<std::int64_t>(n, o.before_nms);
  const auto [objectness, index] = largest(g, g.reshape(value_of(level.objectness), {n}), g.list({most}), most, -1);
  const id delta = converted(g, rows_of(g, g.reshape(value_of(level.deltas), {n, 4}), index), element::f64);
  const id reference = rows_of(g, g.constant<double>(element::f64, {n, 4}, anchors), index);
  const auto [corners, large] = decode(g, rpn_coder, reference, delta, height, width, o.smallest_side);
  // The sigmoid in double, so that it keeps the order.
  const id e = unary(g, "Exp", unary(g, "Neg", converted(g, objectness, element::f64)));
  const id one = g.number(1, element::f64);
  const id score = converted(g, binary(g, "Div", one, binary(g, "Add", one, e)), element::f32);
  const boxes all{corners, chosen(g, large, score, g.number(-1))};
  const id kept = suppressed(g, all, o.nms_threshold, most);
  return {rows_of(g, all.corners, kept), rows_of(g, all.scores, kept)};
}

}  // namespace detail

/// Proposals of one image, from the outputs of the RPN's head on the levels; the last may be the box for "none". See dcs::propose.
template <class... Level>
boxes propose(const rpn_options& o, std::int64_t height, std::int64_t width, const Level&... level) {
  auto& g = tracing::now().graph;
  const auto anchors = make_anchors<float>(o.anchors, height, width, level...);
  std::vector<id> corners, scores;
  std::size_t l = 0;
  const auto add = [&](const auto& one) {
    expect(one.objectness.sizes()[0] == 1, "dcs::onnx: a detector is exported for one image at a time; expected an input of 1 in front");
    std::vector<double> of_level;
    for (auto i = static_cast<std::size_t>(anchors.begin[l]); i < static_cast<std::size_t>(anchors.begin[l + 1]); ++i) {
      const auto& b = anchors.boxes[i];
      of_level.insert(of_level.end(), {b.x1, b.y1, b.x2, b.y2});
    }
    ++l;
    const boxes found = detail::proposals_of_level(g, o, height, width, one, of_level);
    corners.push_back(found.corners), scores.push_back(found.scores);
  };
  (add(level), ...);
  corners.push_back(detail::no_box(g)), scores.push_back(g.constant<float>(element::f32, {1}, {-1}));
  const id all = detail::appended(g, scores);
  const id count = g.add("Shape", {all}, {1}, -1, {}, element::i64);
  const id most = g.add("Min", {count, g.list({o.after_nms})}, {1}, -1, {}, element::i64);
  const auto [best, index] = detail::largest(g, all, most, traced_extent, 0);
  return {detail::rows_of(g, detail::appended(g, corners), index), best};
}

/// Boxes as RoIs of image 0, a tensor of shape<Name, 5>.
template <extent Name>
tensor<float, shape<Name, 5>, device> rois_of(id corners) {
  auto& g = tracing::now().graph;
  const std::int64_t n = g.extents(corners)[0];
  const id rows = g.add("Pad", {corners, g.list({0, 1, 0, 0}), g.number(0)}, {n, 5}, g[corners].free);
  return tensor_of<shape<Name, 5>>(rows, {n, 5});
}

/// Boxes of one image pooled from P2..P5, each from the level of its size; see dcs::pool_boxes.
template <int Side, class Pyramid>
auto pool_boxes(id corners, const Pyramid& p, std::int64_t height) {
  auto& g = tracing::now().graph;
  const auto op = [&](const char* name, id a, id b) { return detail::binary(g, name, a, b); };
  const auto side = [&](std::int64_t axis) { return op("Sub", detail::column(g, corners, axis + 2), detail::column(g, corners, axis)); };
  const id root = op("Div", detail::unary(g, "Sqrt", op("Mul", side(0), side(1))), g.number(224));
  const auto number = [&](double x) { return g.number(x, element::f64); };
  const id log2 = op("Div", detail::unary(g, "Log", detail::converted(g, root, element::f64)), number(std::numbers::ln2));
  const id k = detail::unary(g, "Floor", op("Add", log2, number(4 + 1e-6)));
  const id level = detail::converted(g, op("Sub", op("Min", op("Max", k, number(2)), number(5)), number(2)), element::i64);
  const std::int64_t n = g.extents(corners)[0];
  return pool_rois<Side>(rois_of<dyn<"proposal">>(corners), tensor_of<shape<dyn<"proposal">>, std::int64_t>(level, {n}), p, height);
}

/// Detections of one image from the predictions of its proposals, at most o.most_detections; see dcs::detections_of.
template <class Scores, class Deltas>
boxes detections_of(const box_head_options& o, id proposals, const box_predictions<Scores, Deltas>& p, std::int64_t height, std::int64_t width) {
  auto& g = tracing::now().graph;
  const id score = detail::column(g, detail::softmax(g, value_of(eval(p.scores)), 1), 1);
  const id delta = detail::converted(g, detail::sliced(g, value_of(eval(p.deltas)), 1, 4, 4), element::f64);
  const auto [corners, large] =
      detail::decode(g, box_head_coder, detail::converted(g, proposals, element::f64), delta, height, width, o.smallest_side);
  const id good = detail::truth(g, "And", large, detail::truth(g, "Greater", score, g.number(o.score_threshold)));
  const boxes all{corners, detail::chosen(g, good, score, g.number(-1))};
  const id kept = detail::suppressed(g, all, o.nms_threshold, o.most_detections);
  return {detail::rows_of(g, all.corners, kept), detail::rows_of(g, all.scores, kept)};
}

/// Detections and the box for "none" behind them.
inline id with_no_box(id corners) {
  auto& g = tracing::now().graph;
  return detail::appended(g, {corners, detail::no_box(g)});
}

/// What predictions of networks that detect have in common: one image at a time, and three outputs.
struct prediction_with_objects {
  static constexpr bool takes_batches = false;
  static std::vector<std::string> outputs() { return {"probability", "boxes", "scores"}; }

 protected:
  /// Probabilities of regions, shape<n, side, side, 1>, as [n, side, side].
  template <class S>
  static id masks_of(const tensor<float, S, device>& maps) {
    return tracing::now().graph.reshape(value_of(maps), {maps.sizes()[0], maps.sizes()[1], maps.sizes()[2]});
  }
  template <class S>
  static auto results(id probability, const boxes& found, std::int64_t height, std::int64_t width) {
    const std::int64_t n = tracing::now().graph.extents(found.scores)[0];
    return std::tuple(tensor_of<shape<extent_of<S, 0>, extent_of<S, 1>, extent_of<S, 2>, 1>>(probability, {1, height, width, 1}),
                      tensor_of<shape<dyn<"detection">, 4>>(found.corners, {n, 4}), tensor_of<shape<dyn<"detection">>>(found.scores, {n}));
  }
};

/// Objects of one image on its pyramid; see faster_rcnn::detect.
template <class Detector, class Pyramid>
boxes detect(const Detector& detector, const Pyramid& pyramid, const detector_options& o, std::int64_t height, std::int64_t width) {
  const auto found = std::apply([&](const auto&... l) { return propose(o.rpn, height, width, l...); }, detector.propose_levels(pyramid));
  const auto pooled = pool_boxes<Detector::box_type::side>(found.corners, pyramid, height);
  return detections_of(o.box, found.corners, detector.roi_heads(pooled), height, width);
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
