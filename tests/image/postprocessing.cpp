#include <dcs/image/postprocessing.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace dcs;

namespace {

// A prediction whose probabilities are tenths, a digit each.
prediction tenths(const std::vector<std::string>& rows) {
  prediction p{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size()), {}, {}};
  for (const auto& r : rows)
    for (const char c : r) p.probability.push_back(static_cast<float>(c - '0') / 10);
  return p;
}
std::string text(const mask& m) {
  std::string s;
  for (std::int64_t y = 0; y < m.height; ++y) {
    for (std::int64_t x = 0; x < m.width; ++x) s += m.at(y, x) ? '#' : '.';
    s += ' ';
  }
  return s;
}

const auto map = tenths({"9900007", "0090000", "0000880", "3300880", "3300000"});

}  // namespace

TEST_CASE("post-processing keeps what is above the threshold, large enough, and among the largest") {
  CHECK(text(postprocessed(map, {})) == "##....# ..#.... ....##. ....##. ....... ");
  CHECK(text(postprocessed(map, {})) == text(map.above()));
  CHECK(text(postprocessed(map, {0.2f, 0, 0})) == "##....# ..#.... ....##. ##..##. ##..... ");
  CHECK(text(postprocessed(map, {0.5f, 2, 0})) == "##..... ..#.... ....##. ....##. ....... ");
  CHECK(text(postprocessed(map, {0.5f, 3, 0})) == "##..... ..#.... ....##. ....##. ....... ");  // components touch at corners too
  CHECK(text(postprocessed(map, {0.5f, 4, 0})) == "....... ....... ....##. ....##. ....... ");
  CHECK(text(postprocessed(map, {0.5f, 5, 0})) == "....... ....... ....... ....... ....... ");
  CHECK(text(postprocessed(map, {0.5f, 0, 2})) == "##..... ..#.... ....##. ....##. ....... ");
  CHECK(text(postprocessed(map, {0.2f, 0, 1})) == "....... ....... ....##. ....##. ....... ");  // of equal ones the first
  CHECK(text(postprocessed(map, {0.95f, 2, 1})) == "....... ....... ....... ....... ....... ");
}

TEST_CASE("the smallest component is counted at the size that it was chosen at") {
  CHECK(text(postprocessed(map, {0.5f, 1, 0}, 4)) == "....... ....... ....##. ....##. ....... ");
  CHECK(text(postprocessed(map, {0.5f, 8, 0}, 0.25)) == "##..... ..#.... ....##. ....##. ....... ");
  CHECK_THROWS_WITH_AS(postprocessed(map, {0.5f, -1, 0}),
                       "dcs::postprocessed: a smallest component of -1 pixels and at most 0 components; expected numbers from 0", error);
  CHECK_THROWS_WITH_AS(postprocessed(map, {}, 0), "dcs::postprocessed: an area of 0.000000; expected a number above 0", error);
}
