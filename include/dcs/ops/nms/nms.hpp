// Non-maximum suppression. Boxes are sorted by score (equal scores keep their order), then each survivor strikes out the later boxes that overlap it too much.
#pragma once

#include <dcs/core/allocator.hpp>
#include <dcs/cpu/simd.hpp>

#include <algorithm>
#include <numeric>

#define DCS_KERNELS <dcs/ops/nms/overlaps.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

/// Indices of the boxes that survive, by falling score. boxes: n × (x1, y1, x2, y2); a box goes if its IoU with a kept one of higher score is above
/// `threshold`. With `group` (n numbers) only boxes of one group strike each other.
template <class T>
std::vector<std::int64_t> nms(const T* boxes, const T* scores, std::int64_t n, T threshold, const std::int64_t* group = nullptr) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  scratch<T> columns(5 * std::max<std::int64_t>(n, 1));
  const T* column[5];
  for (int k = 0; k < 5; ++k) column[k] = columns.data() + k * n;
  std::vector<std::int64_t> sorted_group;
  for (std::int64_t i = 0; i < n; ++i) {
    const T* b = boxes + order[static_cast<std::size_t>(i)] * 4;
    for (int k = 0; k < 4; ++k) columns[k * n + i] = b[k];
    columns[4 * n + i] = (b[2] - b[0]) * (b[3] - b[1]);
    if (group) sorted_group.push_back(group[order[static_cast<std::size_t>(i)]]);
  }
  std::vector<unsigned char> suppressed(static_cast<std::size_t>(n), 0);
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < n; ++i) {
    if (suppressed[static_cast<std::size_t>(i)]) continue;
    kept.push_back(order[static_cast<std::size_t>(i)]);
    DCS_DISPATCH(suppress, column, group ? sorted_group.data() : nullptr, i, n, threshold, suppressed.data());
  }
  return kept;
}

}  // namespace dcs
