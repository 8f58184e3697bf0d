// Boxes of images on the device of a kernel's test, in fixed sizes.
#pragma once

#include "../cuda/compare.hpp"

#include <dcs/detect/matcher.cuh>

namespace kernel_test {

template <class A>
using boxes_of_images = std::vector<std::vector<dcs::box<A>>>;

// Room for `most` boxes of each image; padding is NaN.
template <class A>
struct padded {
  dcs::cuda::device_scratch<A, target> corners;
  dcs::cuda::device_scratch<std::int32_t, target> counts;
  std::int64_t most;

  padded(const boxes_of_images<A>& boxes, std::int64_t most)
      : corners(uploaded(corners_of(boxes, most))), counts(uploaded(counts_of(boxes))), most(most) {}
  dcs::cuda::padded_boxes<A> seen() const { return {corners.span(), counts.span(), most}; }

 private:
  static std::vector<A> corners_of(const boxes_of_images<A>& boxes, std::int64_t most) {
    std::vector<A> v(boxes.size() * static_cast<std::size_t>(most) * 4, std::numeric_limits<A>::quiet_NaN());
    for (std::size_t n = 0; n < boxes.size(); ++n)
      for (std::size_t i = 0; i < boxes[n].size(); ++i) {
        const auto& b = boxes[n][i];
        const A c[4] = {b.x1, b.y1, b.x2, b.y2};
        std::copy_n(c, 4, v.begin() + static_cast<std::ptrdiff_t>((n * static_cast<std::size_t>(most) + i) * 4));
      }
    return v;
  }
  static std::vector<std::int32_t> counts_of(const boxes_of_images<A>& boxes) {
    std::vector<std::int32_t> v;
    for (const auto& image : boxes) v.push_back(static_cast<std::int32_t>(image.size()));
    return v;
  }
};

// Boxes in an image of 64 × 64: counts[n] of image n.
template <class A>
boxes_of_images<A> random_boxes(const std::vector<int>& counts, dcs::random_stream r) {
  boxes_of_images<A> all;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    all.emplace_back();
    for (int i = 0; i < counts[n]; ++i) {
      const auto one = r.child(n).child(static_cast<std::uint64_t>(i));
      const A x = static_cast<A>(40 * one.uniform(0)), y = static_cast<A>(40 * one.uniform(1));
      all.back().push_back({x, y, x + static_cast<A>(4 + 20 * one.uniform(2)), y + static_cast<A>(4 + 20 * one.uniform(3))});
    }
  }
  return all;
}

// Proposals around the true boxes, and some anywhere.
template <class A>
boxes_of_images<A> proposals_near(const boxes_of_images<A>& truth, const std::vector<int>& counts, dcs::random_stream r) {
  auto all = random_boxes<A>(counts, r);
  for (std::size_t n = 0; n < all.size(); ++n)
    for (std::size_t i = 0; i < all[n].size() && !truth[n].empty(); ++i)
      if (i % 3 != 2) {
        const auto& t = truth[n][i % truth[n].size()];
        const auto move = [&](std::uint64_t k) { return static_cast<A>(4 * r.child(9).child(n).uniform(4 * i + k)); };
        all[n][i] = {t.x1 + move(0), t.y1 + move(1), t.x2 + move(2), t.y2 + move(3)};
      }
  return all;
}

}  // namespace kernel_test
