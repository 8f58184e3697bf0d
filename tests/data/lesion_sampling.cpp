// Which images an epoch shows more often, by the sizes of their lesions; and lesions that are pasted into other images: where pixels change, and what
// becomes of mask and objects.
#include <dcs/data/copy_paste.hpp>
#include <dcs/data/lesion_sampling.hpp>
#include <dcs/data/loader.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <numeric>

using namespace dcs;

namespace {

constexpr std::int64_t side = 48;

struct square {
  std::int64_t y, x, n;
};

// Noise around a level, with squares that are brighter by 100 and have numbers where `numbered`.
sample image_of(const std::vector<square>& squares, std::uint64_t seed, float level = 100, bool numbered = false) {
  sample s{"s" + std::to_string(seed), {side, side, 3, std::vector<float>(side * side * 3)}, {side, side, std::vector<std::uint8_t>(side * side, 0)}};
  const random_stream r{7, seed};
  for (std::size_t p = 0; p < s.pixels.pixels.size(); ++p) s.pixels.pixels[p] = level + 5 * r.uniform(p);
  if (numbered) s.objects = {side, side, std::vector<std::int32_t>(side * side, 0)};
  std::int32_t number = 0;
  for (const auto& [y1, x1, n] : squares) {
    ++number;
    for (std::int64_t y = y1; y < y1 + n; ++y)
      for (std::int64_t x = x1; x < x1 + n; ++x) {
        s.truth.at(y, x) = 1;
        if (numbered) s.objects.at(y, x) = number;
        for (std::int64_t c = 0; c < 3; ++c) s.pixels.at(y, x, c) += 100;
      }
  }
  return s;
}

/// Images each with a square of another size; number 3 has none.
struct squares {
  std::int64_t size() const { return 8; }
  sample load(std::int64_t i) const {
    return image_of(i == 3 ? std::vector<square>{} : std::vector<square>{{10, 10, 2 + 2 * i}}, static_cast<std::uint64_t>(i));
  }
};

std::map<std::int64_t, int> counts_of(const std::vector<std::int64_t>& order) {
  std::map<std::int64_t, int> counts;
  for (const std::int64_t i : order) ++counts[i];
  return counts;
}

}  // namespace

TEST_CASE("weights: the smallest object of an image against the median of the set, within 1 and 8") {
  using areas = std::vector<std::vector<double>>;
  CHECK(small_lesion_weights(areas{{64}, {16}, {}, {256, 4}, {64}}, 0.5) == std::vector<double>{1, 2, 1, 4, 1});
  CHECK(small_lesion_weights(areas{{64}, {16}, {}, {256, 4}, {64}}, 1) == std::vector<double>{1, 4, 1, 8, 1});  // 16, but for the limit
  CHECK(small_lesion_weights(areas{{9}, {4}}, 1) == std::vector<double>{1, 1});                                 // the lower of two is the median
  CHECK(small_lesion_weights(areas{{}, {}}, 1) == std::vector<double>{1, 1});
  // Objects too small for a box do not count, as a network of boxes learns nothing from them.
  CHECK(object_areas(image_of({{4, 4, 3}, {20, 20, 1}, {30, 30, 5}}, 1)) == std::vector<double>{9, 25});
  CHECK(object_areas(image_of({{4, 4, 3}, {4, 7, 2}}, 1, 100, true)) == std::vector<double>{9, 4});  // they touch
}

TEST_CASE("areas of native objects, in pixels of the network's size: one that has no box there counts, and most") {
  sample s = image_of({{20, 20, 4}}, 1);
  const std::int64_t rows = 4 * side, columns = 2 * side;
  for (const bool numbered : {false, true}) {
    s.native = {{rows, columns, std::vector<std::uint8_t>(static_cast<std::size_t>(rows * columns), 0)}, {}};
    if (numbered) s.native.objects = {rows, columns, std::vector<std::int32_t>(s.native.truth.pixels.size(), 0)};
    std::int32_t number = 0;
    for (const auto& [y1, x1, n] : std::vector<struct square>{{40, 4, 2}, {40, 30, 12}, {40, 60, 1}}) {
      ++number;
      for (std::int64_t y = y1; y < y1 + n; ++y)
        for (std::int64_t x = x1; x < x1 + n; ++x) {
          s.native.truth.at(y, x) = 1;
          if (numbered) s.native.objects.at(y, x) = number;
        }
    }
    const auto areas = object_areas(s);
    CHECK(areas == std::vector<double>{0.5, 18});
    CHECK(small_lesion_weights({areas, {18}}, 0.5)[0] == 6);
  }
}

TEST_CASE("sampling of a set: off without a pass over it; donors are the images with a lesion") {
  const lesion_sampling off = sampling_of(squares{}, 0, 0), both = sampling_of(squares{}, 0.5, 0.25);
  CHECK((off.weights.empty() && off.donors.empty() && off.copy_paste == 0));
  CHECK(both.donors == std::vector<std::int64_t>{0, 1, 2, 4, 5, 6, 7});
  CHECK(both.copy_paste == 0.25);
  // Areas 4, 16, 36, 100, 144, 196, 256: the median is 100.
  CHECK(both.weights[0] == doctest::Approx(5));
  CHECK(both.weights[1] == doctest::Approx(2.5));
  CHECK(both.weights[3] == 1);
  CHECK(both.weights[7] == 1);
  struct empty {
    std::int64_t size() const { return 2; }
    sample load(std::int64_t) const { return image_of({}, 1); }
  };
  CHECK(sampling_of(empty{}, 1, 0).weights == std::vector<double>{1, 1});
  CHECK_THROWS_WITH_AS((void)sampling_of(empty{}, 0, 1), doctest::Contains("no image of the training set has a lesion"), error);
}

TEST_CASE("an epoch by weights: as long as without, each image ⌊e⌋ or ⌈e⌉ times, in the mean e, in an order of its own") {
  const squares data;
  const std::vector<double> weights{5, 2.5, 1.7, 1, 1, 1, 0, 1};
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const data_loader loader(data, {.batch = 3, .seed = 4, .weights = weights});
  std::map<std::int64_t, double> sums;
  constexpr int epochs = 400;
  for (int e = 0; e < epochs; ++e) {
    const auto order = loader.order(e);
    REQUIRE(static_cast<std::int64_t>(order.size()) == data.size());
    const auto counts = counts_of(order);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double expected = 8 * weights[i] / total;
      const int n = counts.contains(static_cast<std::int64_t>(i)) ? counts.at(static_cast<std::int64_t>(i)) : 0;
      CHECK(n >= std::floor(expected) - 1e-9);
      CHECK(n <= std::ceil(expected) + 1e-9);
      sums[static_cast<std::int64_t>(i)] += n;
    }
  }
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(std::abs(sums[static_cast<std::int64_t>(i)] / epochs - 8 * weights[i] / total) < 0.08);
  CHECK(loader.order(1) != loader.order(2));
  CHECK(loader.order(1) == data_loader(data, {.batch = 2, .seed = 4, .weights = weights}).order(1));
  CHECK(loader.order(1) != data_loader(data, {.seed = 5, .weights = weights}).order(1));
  // Equal weights are a permutation.
  for (int e = 0; e < 20; ++e) CHECK(counts_of(data_loader(data, {.weights = std::vector<double>(8, 0.1)}).order(e)).size() == 8);
}

TEST_CASE("images drawn by weight: the same batches with any number of threads; a second draw of an image has other random numbers") {
  const squares data;
  using draws = std::vector<std::pair<std::int64_t, float>>;
  const auto epoch = [&](int threads) {
    const auto collate = [](const std::vector<drawn<sample>>& samples) {
      draws d;
      for (const auto& s : samples) d.emplace_back(s.number, s.random.uniform(0));
      return d;
    };
    const data_loader loader(data, {.batch = 3, .seed = 2, .threads = threads, .ahead = 2, .weights = {20, 1, 1, 1, 1, 1, 1, 1}}, collate);
    draws all;
    for (const draws& d : loader.epoch(1)) all.insert(all.end(), d.begin(), d.end());
    return all;
  };
  const draws one = epoch(0);
  for (const int threads : {1, 3}) CHECK(epoch(threads) == one);
  std::map<float, int> numbers;
  for (const auto& d : one) ++numbers[d.second];
  CHECK(numbers.size() == one.size());
}

TEST_CASE("weights that are none are errors") {
  const squares data;
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& wrong : {std::vector<double>(7, 1.0), std::vector<double>(8, 0.0), std::vector<double>{1, 1, 1, 1, 1, 1, 1, -1},
                            std::vector<double>{1, 1, 1, 1, 1, 1, 1, nan}, std::vector<double>(8, 1e308)})
    CHECK_THROWS_AS(data_loader(data, {.weights = wrong}), error);
}

TEST_CASE("a pasted lesion: its mask is where pixels are the donor's, its border fades, all else stays; objects get one more") {
  const sample donor = image_of({{20, 8, 5}}, 1);
  int pasted = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, int> places;
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    for (const bool numbered : {false, true}) {
      const sample before = image_of({{20, 20, 9}}, 2, 100, numbered);
      sample s = before;
      if (!copy_paste(s, donor, random_stream{seed, 3})) continue;
      ++pasted;
      std::int64_t changed = 0, top = side, left = side;
      for (std::int64_t y = 0; y < side; ++y)
        for (std::int64_t x = 0; x < side; ++x)
          if (s.truth.at(y, x) != before.truth.at(y, x)) ++changed, top = std::min(top, y), left = std::min(left, x);
      REQUIRE(changed == 25);
      ++places[{top, left}];
      bool as_donor = true, faded = true, kept = true, objects = true;
      for (std::int64_t y = 0; y < side; ++y)
        for (std::int64_t x = 0; x < side; ++x) {
          // Distance to the pasted square.
          const std::int64_t dy = std::max({top - y, y - top - 4, std::int64_t{0}}), dx = std::max({left - x, x - left - 4, std::int64_t{0}});
          const double d = std::sqrt(static_cast<double>(dy * dy + dx * dx));
          if (d == 0) {
            as_donor &= s.pixels.at(y, x, 1) == donor.pixels.at(y - top + 20, x - left + 8, 1);
            objects &= !numbered || s.objects.at(y, x) == 2;
            continue;
          }
          objects &= s.truth.at(y, x) == before.truth.at(y, x) && (!numbered || s.objects.at(y, x) == before.objects.at(y, x));
          if (d >= 4) {
            kept &= s.pixels.at(y, x, 1) == before.pixels.at(y, x, 1);
          } else {
            faded &= before.truth.at(y, x) == 0;  // no lesion lies within the border
            const auto t = static_cast<float>(1 - d / 4);
            const float mixed = (1 - t) * before.pixels.at(y, x, 1) + t * donor.pixels.at(y - top + 20, x - left + 8, 1);
            faded &= std::abs(s.pixels.at(y, x, 1) - mixed) < 1e-3f;
          }
        }
      CHECK(as_donor);
      CHECK(faded);
      CHECK(kept);
      CHECK(objects);
      if (!numbered) CHECK(s.objects.empty());
    }
  CHECK(pasted > 380);
  CHECK(places.size() > 100);
}

TEST_CASE("where a lesion is not pasted: other tissue, no room, at the border, without a lesion; another lesion beside it stays behind") {
  const sample donor = image_of({{20, 8, 5}}, 1);
  const auto is_left = [](const sample& to, const sample& from) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      sample s = to;
      CHECK_FALSE(copy_paste(s, from, random_stream{seed, 3}));
      CHECK((s.pixels.pixels == to.pixels.pixels && s.truth.pixels == to.truth.pixels));
    }
  };
  is_left(image_of({}, 2, 30), donor);                        // darker by 70
  is_left(image_of({{0, 0, side}}, 2), donor);                // all of it is lesion
  is_left(image_of({}, 2), image_of({{20, 0, 5}}, 1));        // touches the border
  is_left(image_of({}, 2), image_of({}, 1));                  // nothing to paste
  is_left(image_of({}, 2), image_of({{2, 2, side - 4}}, 1));  // as large as the image
  // Two lesions, a pixel apart: the first is copied without a shine of the second.
  const sample pair = image_of({{20, 8, 4}, {20, 13, 4}}, 1), before = image_of({}, 2);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sample s = before;
    REQUIRE(copy_paste(s, pair, random_stream{seed, 3}));
    CHECK(s.truth.count() == 16);
    for (std::int64_t p = 0; p < side * side; ++p)
      if (s.truth.pixels[static_cast<std::size_t>(p)] == 0) CHECK(s.pixels.pixels[static_cast<std::size_t>(3 * p)] < 106);
  }
  sample small = before;
  small.truth = {16, 16, std::vector<std::uint8_t>(256, 0)};
  CHECK_THROWS_WITH_AS((void)copy_paste(small, donor, random_stream{1, 3}), doctest::Contains("expected images of one size"), error);
}
