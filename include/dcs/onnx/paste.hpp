// Masks of regions in the image, as nodes: the pastes of DCSNet (image/paste.hpp) and of Mask R-CNN (models/mask_rcnn/training.hpp). A
// bilinear sample is a product with two matrices of weights, one for rows and one for columns: max(0, 1 − |u − k|) for cell k of the mask and the
// place u of a pixel in it, and 0 outside of the box. The box for "none" (detection.hpp) has no pixel.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/roi_align.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

namespace detail {

// first, first + 1, ..., `count` numbers.
inline id counting(graph& g, std::int64_t first, std::int64_t count, dims extents) {
  std::vector<float> numbers;
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(static_cast<float>(first + i));
  return g.constant<float>(element::f32, std::move(extents), numbers);
}
// Weights of cells first, ..., [n, pixels, cells], for pixels at `place` in the mask, [n, pixels, 1], that are in the box.
inline id weights(graph& g, id place, id in_box, std::int64_t first, std::int64_t cells) {
  const id distance = unary(g, "Abs", binary(g, "Sub", place, counting(g, first, cells, {1, 1, cells})));
  return binary(g, "Mul", unary(g, "Relu", binary(g, "Sub", g.number(1), distance)), converted(g, in_box, element::f32));
}
// The largest of all masks at every pixel, [1, height, width, 1]: masks [n, side, side], rows [n, height, side], columns [n, width, side].
inline id largest_of_masks(graph& g, id masks, id rows, id columns) {
  const std::int64_t n = g.extents(masks)[0], side = g.extents(masks)[1], height = g.extents(rows)[1], width = g.extents(columns)[1];
  const int free = g[masks].free;
  const id down = g.add("MatMul", {rows, masks}, {n, height, side}, free);
  const id all = g.add("MatMul", {down, g.transpose(columns, {0, 2, 1})}, {n, height, width}, free);
  const id most = g.add("ReduceMax", {all}, {1, height, width}, -1, {attribute::of("axes", dims{0}), attribute::of("keepdims", 1)});
  return g.reshape(most, {1, height, width, 1});
}
// The low and high ends of boxes along an axis, each [n, 1, 1].
inline std::pair<id, id> ends(graph& g, id corners, std::int64_t axis) {
  const std::int64_t n = g.extents(corners)[0];
  const auto end = [&](std::int64_t column) { return g.reshape(sliced(g, corners, 1, column, 1), {n, 1, 1}); };
  return {end(axis), end(axis + 2)};
}

}  // namespace detail

/// Probabilities of regions, [n, base, base], pasted into an image: [1, height, width, 1]. See dcs::paste.
inline id paste(id probabilities, id corners, std::int64_t height, std::int64_t width) {
  auto& g = tracing::now().graph;
  const auto op = [&](const char* name, id a, id b) { return detail::binary(g, name, a, b); };
  const std::int64_t base = g.extents(probabilities)[1];
  const auto weights = [&](std::int64_t axis, std::int64_t size) {
    const auto [low, high] = detail::ends(g, corners, axis);
    const id pixel = detail::counting(g, 0, size, {1, size, 1});
    const id length = op("Max", op("Sub", high, low), g.number(1e-6));
    const id u = op("Sub", op("Div", op("Mul", op("Sub", pixel, low), g.number(static_cast<double>(base))), length), g.number(0.5));
    const id place = op("Min", op("Max", u, g.number(0)), g.number(static_cast<double>(base - 1)));
    const id in_box = detail::truth(g, "And", detail::truth(g, "GreaterOrEqual", pixel, low), detail::truth(g, "LessOrEqual", pixel, high));
    return detail::weights(g, place, in_box, 0, base);
  };
  return detail::largest_of_masks(g, probabilities, weights(1, height), weights(0, width));
}

/// The same as Mask R-CNN does it: a margin of one cell of zeros around the mask, the box grown likewise and cut to whole pixels. See
/// models::mask_rcnn::padded_region.
inline id paste_padded(id probabilities, id corners, std::int64_t height, std::int64_t width) {
  auto& g = tracing::now().graph;
  const auto op = [&](const char* name, id a, id b) { return detail::binary(g, name, a, b); };
  const std::int64_t side = g.extents(probabilities)[1], padded = side + 2;
  const float grow = static_cast<float>(padded) / static_cast<float>(side);
  const auto whole = [&](id x) { return detail::converted(g, detail::converted(g, x, element::i64), element::f32); };
  const auto weights = [&](std::int64_t axis, std::int64_t size) {
    const auto [low, high] = detail::ends(g, corners, axis);
    const id pixel = detail::counting(g, 0, size, {1, size, 1}), half_of = g.number(0.5);
    const id centre = op("Mul", op("Add", low, high), half_of);
    const id half = op("Mul", op("Mul", op("Sub", high, low), half_of), g.number(static_cast<double>(grow)));
    const id first = whole(op("Sub", centre, half)), last = whole(op("Add", centre, half)), one = g.number(1);
    const id count = op("Max", op("Add", op("Sub", last, first), one), one);
    const id scaled = op("Div", op("Mul", op("Add", op("Sub", pixel, first), half_of), g.number(static_cast<double>(padded))), count);
    const id place = op("Max", op("Sub", scaled, half_of), g.number(0));
    const id behind = detail::truth(g, "Less", pixel, op("Add", first, count));
    const id in_box = detail::truth(g, "And", detail::truth(g, "GreaterOrEqual", pixel, first), behind);
    // Cells of the margin, 0 and side + 1, are zeros.
    return detail::weights(g, place, detail::truth(g, "And", in_box, detail::truth(g, "GreaterOrEqual", high, low)), 1, side);
  };
  return detail::largest_of_masks(g, probabilities, weights(1, height), weights(0, width));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
