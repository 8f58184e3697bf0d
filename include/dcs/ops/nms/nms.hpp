// Non-maximum suppression. Boxes are sorted by score (equal scores keep their order), then each box that is kept suppresses the later ones that
// overlap it too much, a vector of boxes at a time: coordinates are stored as columns, and a box's mark is as wide as a coordinate.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/allocator.hpp>
#include <dcs/core/error.hpp>
#include <dcs/core/finite.hpp>
#include <dcs/core/tensor.hpp>
#include <dcs/cpu/simd.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cpu {
/// The signed integer of T's size.
template <class T>
using mask_of = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/nms/overlaps.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

/// Indices of the boxes that are kept, by falling score. boxes: n × (x1, y1, x2, y2); a box is suppressed if its IoU with a kept one of higher score
/// is above `threshold`. With `group` (n numbers below 2^31) only boxes of one group suppress each other. Throws dcs::error for a score that is not a
/// number.
/// PyTorch: torchvision.ops.nms
template <class T>
std::vector<std::int64_t> nms(const T* boxes, const T* scores, std::int64_t n, double threshold, const std::int64_t* group = nullptr) {
  for (std::int64_t i = 0; i < n; ++i) expect(!is_nan(scores[i]), "dcs::nms: the score of box ", i, " is not a number");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  const std::int64_t padded = (n + 15) / 16 * 16;
  scratch<T> columns(5 * padded + 1);
  std::fill(columns.data(), columns.data() + 5 * padded, T(0));
  const T* column[5];
  for (int k = 0; k < 5; ++k) column[k] = columns.data() + k * padded;
  std::vector<cpu::mask_of<T>> suppressed(static_cast<std::size_t>(padded)), groups(group ? static_cast<std::size_t>(padded) : 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t from = order[static_cast<std::size_t>(i)];
    const T* b = boxes + from * 4;
    for (int k = 0; k < 4; ++k) columns[k * padded + i] = b[k];
    columns[4 * padded + i] = (b[2] - b[0]) * (b[3] - b[1]);
    if (group) {
      expect(group[from] >= 0 && group[from] <= std::numeric_limits<std::int32_t>::max(), "dcs::nms: group ", group[from],
             "; expected 0 to 2^31 - 1");
      groups[static_cast<std::size_t>(i)] = static_cast<cpu::mask_of<T>>(group[from]);
    }
  }
  // The largest T that is not above the threshold: comparing an IoU in T with it is the same as comparing with the threshold in double.
  T bound = static_cast<T>(threshold);
  if (static_cast<double>(bound) > threshold) bound = std::nextafter(bound, -std::numeric_limits<T>::infinity());
  std::vector<std::int64_t> kept;
  for (std::int64_t i = 0; i < n; ++i) {
    if (suppressed[static_cast<std::size_t>(i)] != 0) continue;
    kept.push_back(order[static_cast<std::size_t>(i)]);
    DCS_DISPATCH(suppress, column, group ? groups.data() : nullptr, i, n, bound, suppressed.data());
  }
  return kept;
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_NMS_ENTRIES(declare, T) declare std::vector<std::int64_t> nms(const T*, const T*, std::int64_t, double, const std::int64_t*);
DCS_ENTRIES(DCS_NMS_ENTRIES)

template <class Found, class Expected, class Axis>
struct nms_box_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::nms: a box is four numbers (x1, y1, x2, y2) along axis 1");
};
template <class Found, class Expected, class Axis>
struct nms_score_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::nms: there must be one score for each box");
};

/// The same of tensors. boxes: shape<N, 4>, scores: shape<N>.
template <class T, class B, class S>
requires(B::rank == 2 && S::rank == 1) std::vector<std::int64_t> nms(const tensor<T, B>& boxes, const tensor<T, S>& scores, double threshold) {
  verify(check_of<nms_box_mismatch<found<extent_of<B, 1>>, expected<4>, axis<1>>>);
  verify(check_of<nms_score_mismatch<found<extent_of<S, 0>>, expected<extent_of<B, 0>>, axis<0>>>);
  expect(scores.size() == boxes.sizes()[0], "dcs::nms: ", scores.size(), " scores for ", boxes.sizes()[0], " boxes; expected one each");
  return nms(boxes.data(), scores.data(), scores.size(), threshold);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
