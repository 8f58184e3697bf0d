// What tests train on: a data set of discs, written as a user would write one.
#pragma once

#include <dcs/core/philox.hpp>
#include <dcs/data/sample.hpp>

#include <cmath>

namespace user {

/// Images of 64 × 64 with one bright disc on noise, a function of their number.
struct discs {
  std::int64_t count = 4;
  std::int64_t size() const { return count; }
  dcs::sample load(std::int64_t i) const {
    constexpr std::int64_t side = 64;
    const dcs::random_stream r = dcs::random_stream{11, 0}.child(static_cast<std::uint64_t>(i));
    dcs::sample s{"disc " + std::to_string(i), {side, side, 3, {}}, {side, side, {}}, side, side};
    const double cy = 20 + 24 * static_cast<double>(r.uniform(0)), cx = 20 + 24 * static_cast<double>(r.uniform(1));
    const double radius = 7 + 5 * static_cast<double>(r.uniform(2));
    for (std::int64_t p = 0; p < side * side; ++p) {
      const bool inside = std::hypot(static_cast<double>(p / side) - cy, static_cast<double>(p % side) - cx) < radius;
      s.truth.pixels.push_back(inside);
      for (std::uint64_t c = 0; c < 3; ++c)
        s.pixels.pixels.push_back((inside ? 170.0f : 60.0f) + 40 * r.uniform(16 + 3 * static_cast<std::uint64_t>(p) + c));
    }
    return s;
  }
};

}  // namespace user
