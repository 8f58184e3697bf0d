// Sizes of lesions: by hand, and the longest diameter against all pairs of pixels of shapes drawn at random.
#include <dcs/core/philox.hpp>
#include <dcs/metrics/lesion_size.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

label_map drawn(const std::vector<std::string>& rows) {
  label_map m{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()), {}};
  for (const auto& row : rows)
    for (const char c : row) m.pixels.push_back(c == '.' ? 0 : c - '0');
  return m;
}

// The largest distance of any two pixels of a lesion.
double of_all_pairs(const label_map& m, std::int32_t label, const pixel_spacing& s) {
  double longest = 0;
  const std::int64_t n = m.height * m.width;
  for (std::int64_t p = 0; p < n; ++p)
    for (std::int64_t q = p; q < n; ++q) {
      if (m.at(p / m.width, p % m.width) != label || m.at(q / m.width, q % m.width) != label) continue;
      longest = std::max(
          longest, std::hypot(s.rows * static_cast<double>(p / m.width - q / m.width), s.columns * static_cast<double>(p % m.width - q % m.width)));
    }
  return longest;
}

}  // namespace

TEST_CASE("area, centre, box and longest diameter of lesions by hand") {
  const auto sizes = lesion_sizes(drawn({"11...3", "1....3", "......", "....3."}), {0.5, 2});
  REQUIRE(sizes.size() == 2);  // no pixel is numbered 2
  const lesion_size &a = sizes[0], &b = sizes[1];
  CHECK(a.pixels == 3);
  CHECK(a.area == 3.0);
  CHECK(a.row == doctest::Approx(1.0 / 3));
  CHECK(a.column == doctest::Approx(1.0 / 3));
  CHECK(a.diameter == doctest::Approx(std::sqrt(0.25 + 4)));  // of its ends in the second row and the second column
  CHECK((a.top == 0 && a.left == 0 && a.bottom == 2 && a.right == 2));
  CHECK(b.diameter == doctest::Approx(2.5));  // 3 rows of 0.5 and 1 column of 2
  CHECK((b.top == 0 && b.left == 4 && b.bottom == 4 && b.right == 6));
}

TEST_CASE("one pixel has no diameter; without lesions there are no sizes") {
  const auto one = lesion_sizes(drawn({"...", ".1."}));
  REQUIRE(one.size() == 1);
  CHECK(one[0].diameter == 0.0);
  CHECK((one[0].row == 1.0 && one[0].column == 1.0 && one[0].pixels == 1));
  CHECK(lesion_sizes(drawn({"..", ".."})).empty());
}

TEST_CASE("the longest diameter is that of all pairs of pixels, for pixels that are no squares too") {
  const random_stream random{7, 1};
  std::uint64_t at = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const auto height = static_cast<std::int64_t>(1 + random.below(at++, 14)), width = static_cast<std::int64_t>(1 + random.below(at++, 14));
    label_map m{height, width, std::vector<std::int32_t>(static_cast<std::size_t>(height * width), 0)};
    for (auto& p : m.pixels) p = random.below(at++, 3) == 0 ? 1 + static_cast<std::int32_t>(random.below(at++, 2)) : 0;
    for (const pixel_spacing& s : {pixel_spacing{}, pixel_spacing{0.3, 1.7}, pixel_spacing{4, 0.25}})
      for (std::int32_t label = 1; label <= 2; ++label) {
        label_map alone = m;
        for (auto& p : alone.pixels) p = p == label;
        const auto sizes = lesion_sizes(alone, s);
        if (sizes.empty()) continue;
        CHECK(sizes[0].diameter == doctest::Approx(of_all_pairs(alone, 1, s)));
      }
  }
}
