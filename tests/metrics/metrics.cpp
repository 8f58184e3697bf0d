#include <dcs/core/philox.hpp>
#include <dcs/metrics/metrics.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {
mask empty(std::int64_t h, std::int64_t w) { return {h, w, std::vector<std::uint8_t>(static_cast<std::size_t>(h * w), 0)}; }
mask rectangle(std::int64_t h, std::int64_t w, std::int64_t y1, std::int64_t x1, std::int64_t y2, std::int64_t x2) {
  mask m = empty(h, w);
  for (std::int64_t y = y1; y <= y2; ++y)
    for (std::int64_t x = x1; x <= x2; ++x) m.at(y, x) = 1;
  return m;
}
}  // namespace

TEST_CASE("overlap by hand") {
  const auto a = rectangle(10, 10, 0, 0, 3, 3), b = rectangle(10, 10, 0, 2, 3, 5);
  const auto m = measure(a, b);
  CHECK(m.dice == doctest::Approx(0.5));
  CHECK(m.iou == doctest::Approx(8.0 / 24));
  CHECK(m.precision == doctest::Approx(0.5));
  CHECK(m.hd95 == doctest::Approx(2));
  CHECK_FALSE(m.missed);
}

TEST_CASE("empty masks: a missed lesion never improves a mean") {
  const auto none = empty(3, 4), some = rectangle(3, 4, 0, 0, 1, 1);
  const auto both = measure(none, none);
  CHECK((both.dice == 1 && both.iou == 1 && both.precision == 1 && both.recall == 1 && both.hd95 == 0 && both.assd == 0 && both.surface_dice == 1));
  const auto missed = measure(none, some), invented = measure(some, none);
  CHECK((missed.dice == 0 && missed.recall == 0 && missed.hd95 == 5 && missed.assd == 5 && missed.surface_dice == 0 && missed.missed));
  CHECK((invented.dice == 0 && invented.hd95 == 5 && !invented.missed));
  const auto elsewhere = measure(rectangle(3, 4, 2, 3, 2, 3), some);
  CHECK((elsewhere.dice == 0 && elsewhere.iou == 0 && elsewhere.precision == 0 && elsewhere.missed));
  const auto mean = mean_of({both, missed, invented});
  CHECK(mean.missed == 1);
  CHECK(mean.dice == doctest::Approx(1.0 / 3));
  CHECK((mean.recall == doctest::Approx(1.0 / 3) && mean.assd == doctest::Approx(10.0 / 3) && mean.surface_dice == doctest::Approx(1.0 / 3)));
  CHECK_THROWS_AS(measure(none, empty(4, 3)), error);
  CHECK_THROWS_AS(hausdorff_95(none, some), error);
  CHECK_THROWS_AS(hausdorff_95(some, some, {0, 1}), error);
}

TEST_CASE("95 % Hausdorff distance equals its definition") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const random_stream r{seed, 5};
    const std::int64_t h = 5 + r.below(0, 14), w = 5 + r.below(1, 14);
    auto blob = [&](std::uint64_t k) {
      mask m = empty(h, w);
      for (std::size_t i = 0; i < m.pixels.size(); ++i) m.pixels[i] = r.child(k).uniform(i) > 0.7f;
      m.pixels[3] = 1;
      return m;
    };
    const mask a = blob(1), b = blob(2);
    auto boundary = [&](const mask& m) {
      std::vector<std::pair<double, double>> points;
      auto in = [&](std::int64_t y, std::int64_t x) { return y >= 0 && x >= 0 && y < h && x < w && m.at(y, x); };
      for (std::int64_t y = 0; y < h; ++y)
        for (std::int64_t x = 0; x < w; ++x)
          if (in(y, x) && !(in(y - 1, x) && in(y + 1, x) && in(y, x - 1) && in(y, x + 1))) points.emplace_back(y, x);
      return points;
    };
    auto directed = [](const auto& from, const auto& to) {
      std::vector<double> d;
      for (const auto& p : from) {
        double best = 1e9;
        for (const auto& q : to) best = std::min(best, std::hypot(p.first - q.first, p.second - q.second));
        d.push_back(best);
      }
      std::sort(d.begin(), d.end());
      const double at = 0.95 * static_cast<double>(d.size() - 1);
      const auto k = static_cast<std::size_t>(at);
      return k + 1 < d.size() ? d[k] * (1 - (at - static_cast<double>(k))) + d[k + 1] * (at - static_cast<double>(k)) : d[k];
    };
    CHECK(hausdorff_95(a, b) == doctest::Approx(std::max(directed(boundary(a), boundary(b)), directed(boundary(b), boundary(a)))));
  }
}
