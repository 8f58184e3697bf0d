// RoIAlign as nodes. ONNX's op (from opset 16 on) has torchvision's conventions, which are dcs': `output_half_pixel` is a RoI that is not shifted and
// at least 1 × 1, `half_pixel` the aligned one. Where each RoI is cropped from a level of its own, it is cropped from every level and one is chosen.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/ops.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

template <class T, class B>
void roi_align_forward(device, const std::vector<cpu::roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                       std::int64_t count, int sampling, bool aligned, const std::vector<cpu::roi_crops<T>>& crops) {
  auto& g = tracing::now().graph;
  const id all = at(rois, {count, 5});
  const id boxes = detail::sliced(g, all, 1, 1, 4);
  const id images = detail::converted(g, g.reshape(detail::sliced(g, all, 1, 0, 1), {count}), element::i64);
  const auto crop = [&](const cpu::roi_map<T>& m, const cpu::roi_crops<T>& c) {
    const id in = detail::image(g, m.data, m.batch, m.height, m.width, channels);
    return g.add("RoiAlign", {in, boxes, images}, {count, channels, c.bins_y, c.bins_x}, g[boxes].free,
                 {attribute::of("coordinate_transformation_mode", aligned ? "half_pixel" : "output_half_pixel"), attribute::of("mode", "avg"),
                  attribute::of("output_height", c.bins_y), attribute::of("output_width", c.bins_x), attribute::of("sampling_ratio", sampling),
                  attribute::real("spatial_scale", m.scale)});
  };
  if (!level) {
    for (std::size_t l = 0; l < crops.size(); ++l) detail::set_image(g, crops[l].data, crop(maps[l], crops[l]));
    return;
  }
  const id of_roi = at(level, {count, 1, 1, 1});
  id made = crop(maps[0], crops[0]);
  for (std::size_t l = 1; l < maps.size(); ++l) {
    const id is_level = detail::truth(g, "Equal", of_roi, g.number(static_cast<double>(l), element::i64));
    made = detail::chosen(g, is_level, crop(maps[l], crops[0]), made);
  }
  detail::set_image(g, crops[0].data, made);
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
