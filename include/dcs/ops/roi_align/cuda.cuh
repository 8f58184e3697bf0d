// RoIAlign as kernels of the block interface, channels last, with the rules of cpu.hpp. The bilinear weights of a bin are separable: a block computes
// the weights along both axes once, into shared memory, and its lanes then loop over channels, 16 bytes each. Forward is one launch for all maps
// (cuda_forward.cuh); backward is one, after another that lists the RoIs of each map (cuda_backward.cuh). RoIs and their levels are on the device,
// and the host does not read them, so invalid ones are no error: a RoI of an image or level that does not exist, or whose coordinates are not finite,
// gives zeros and no gradient, and so does one with adaptive sampling whose bins are 2^20 pixels or longer.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/roi_align/cuda_backward.cuh>
#include <dcs/ops/roi_align/cuda_forward.cuh>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

template <class T, class M>
roi_geometry<arithmetic_t<T>> roi_geometry_of(const cpu::roi_map<M>& m, std::int64_t bins_y, std::int64_t bins_x, std::int64_t channels) {
  expect(m.height * m.width * channels <= 0x7FFFFFFF, "dcs::roi_align: a map of ", m.height, " × ", m.width, " pixels and ", channels,
         " channels is too large for the kernels");
  return {dcs::detail::narrow_size("dcs::roi_align", m.batch),
          static_cast<int>(m.height),
          static_cast<int>(m.width),
          static_cast<int>(bins_y),
          static_cast<int>(bins_x),
          static_cast<arithmetic_t<T>>(m.scale)};
}

inline void expect_roi_maps(std::size_t maps, std::int64_t count) {
  expect(maps <= static_cast<std::size_t>(roi_max_maps), "dcs::roi_align: ", maps, " maps; the kernels take ", roi_max_maps);
  expect(count <= 0x7FFFFFFF / 5, "dcs::roi_align: ", count, " RoIs are too many for the kernels");
}

}  // namespace detail

/// crops[m]: of every RoI from map m; with `level`, crops[0] alone, in which RoI i is cropped from map level[i]. rois, of any floating type: image,
/// x1, y1, x2, y2 each. All memory but the lists of maps and crops themselves is on the device.
template <class T, class B, gpu D>
void roi_align_forward(D, const std::vector<cpu::roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                       std::int64_t count, int sampling, bool aligned, const std::vector<cpu::roi_crops<T>>& crops) {
  detail::expect_roi_maps(maps.size(), count);
  with_packets<T>(channels, [&](auto v) {
    constexpr int V = decltype(v)::value;
    using kernel_type = roi_align_forward_kernel<T, B, V>;
    kernel_type k{{{rois, count * 5}, {level, level ? count : 0}, static_cast<int>(count), sampling, aligned},
                  {},
                  static_cast<int>(maps.size()),
                  static_cast<int>(channels),
                  detail::roi_lanes(channels / V, 1),
                  1,
                  0,
                  0,
                  0};
    const std::int64_t groups = kernel_type::threads / k.lanes, chunks = ceil_div<std::int64_t>(channels, k.lanes * V);
    k.rows = static_cast<int>(std::max<std::int64_t>(1, groups / std::max<std::int64_t>(chunks, 1)));
    std::int64_t tall = 0, wide = 0;
    for (std::size_t m = 0; m < maps.size(); ++m) {
      const auto& crop = crops[crops.size() == 1 ? 0 : m];
      const std::int64_t cells = maps[m].batch * maps[m].height * maps[m].width;
      k.levels[m] = {detail::roi_geometry_of<T>(maps[m], crop.bins_y, crop.bins_x, channels),
                     {maps[m].data, cells * channels},
                     {crop.data, count * crop.bins_y * crop.bins_x * channels},
                     static_cast<int>(k.block_count)};
      if (m == 0 || !level)
        k.block_count += count * ceil_div<std::int64_t>(crop.bins_y, k.rows) * ceil_div<std::int64_t>(crop.bins_x, kernel_type::segment);
      tall = std::max(tall, maps[m].height), wide = std::max(wide, maps[m].width);
    }
    k.y_taps = static_cast<int>(kernel_type::room(sampling, k.rows, tall));
    k.x_taps = static_cast<int>(kernel_type::room(sampling, kernel_type::segment, wide));
    if (channels > 0) launch(D{}, k);
  });
}
/// Gradients of the maps, overwritten; maps without `gradient` are skipped.
template <class T, class B, gpu D>
void roi_align_backward(D, const std::vector<cpu::roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                        std::int64_t count, int sampling, bool aligned, const std::vector<cpu::roi_crops<const T>>& crops) {
  detail::expect_roi_maps(maps.size(), count);
  using A = arithmetic_t<T>;
  roi_align_lists_kernel<A, B> lists{{{rois, count * 5}, {level, level ? count : 0}, static_cast<int>(count), sampling, aligned}, {}, {}, 0, {}, {}};
  std::vector<std::size_t> wanted;
  std::int64_t images = 0;
  for (std::size_t m = 0; m < maps.size(); ++m) {
    if (!maps[m].gradient) continue;
    const auto& crop = crops[crops.size() == 1 ? 0 : m];
    lists.shapes[lists.maps] = detail::roi_geometry_of<T>(maps[m], crop.bins_y, crop.bins_x, channels);
    lists.numbers[lists.maps++] = static_cast<int>(m);
    wanted.push_back(m);
    images += maps[m].batch;
  }
  if (images == 0 || channels == 0) return;
  const device_scratch<roi_entry<A>, D> entries(images * count);
  const device_scratch<int, D> counts(images);
  lists.entries = entries.span(), lists.counts = counts.span();
  launch(D{}, lists);
  with_packets<T>(channels, [&](auto v) {
    constexpr int V = decltype(v)::value;
    using kernel_type = roi_align_backward_kernel<T, V>;
    kernel_type k{{},
                  {},
                  entries.span(),
                  counts.span(),
                  lists.maps,
                  static_cast<int>(count),
                  static_cast<int>(channels),
                  detail::roi_lanes(channels / V, kernel_type::fewest_lanes),
                  0,
                  0};
    const std::int64_t rows = kernel_type::threads / k.lanes, chunks = ceil_div<std::int64_t>(channels, k.lanes * V);
    std::int64_t room = (8 << 10) / static_cast<std::int64_t>(sizeof(A)), first_list = 0;
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      const auto& m = maps[wanted[j]];
      const auto& crop = crops[crops.size() == 1 ? 0 : wanted[j]];
      k.levels[j] = {lists.shapes[j],
                     {m.gradient, m.batch * m.height * m.width * channels},
                     {crop.data, count * crop.bins_y * crop.bins_x * channels},
                     static_cast<int>(k.block_count)};
      k.first_list[j] = static_cast<int>(first_list);
      first_list += m.batch;
      k.block_count += m.batch * ceil_div(m.height, rows) * ceil_div<std::int64_t>(m.width, kernel_type::strip) * chunks;
      room = std::max(room, crop.bins_x * kernel_type::strip + crop.bins_y * rows);
    }
    k.room = static_cast<int>(room);
    launch(D{}, k);
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
