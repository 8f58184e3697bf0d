// The eight orientations: where the pixels of a small image are shown, for images, masks and label maps alike.
#include <dcs/image/orientation.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace dcs;

TEST_CASE("orientation: 2 × 3 pixels as the EXIF standard shows them") {
  // abc
  // def
  const std::string shown[] = {"abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  for (int o = 1; o <= 8; ++o) {
    image i{2, 3, 3, {}};
    mask m{2, 3, {'a', 'b', 'c', 'd', 'e', 'f'}};
    label_map l{2, 3, {'a', 'b', 'c', 'd', 'e', 'f'}};
    for (const char c : std::string("abcdef")) {
      for (int k = 0; k < 3; ++k) i.pixels.push_back(static_cast<std::uint8_t>(c + k));
      i.stored.push_back(static_cast<std::uint8_t>(c));
    }
    i = turned(i, o), m = turned(m, o), l = turned(l, o);
    const std::int64_t rows = exchanges_sides(o) ? 3 : 2, columns = 5 - rows;
    REQUIRE((i.height == rows && i.width == columns && m.height == rows && m.width == columns && l.height == rows && l.width == columns));
    std::string text;
    for (std::int64_t y = 0; y < rows; ++y) {
      if (y > 0) text += '/';
      for (std::int64_t x = 0; x < columns; ++x) {
        const auto p = static_cast<std::size_t>(y * columns + x);
        text += static_cast<char>(m.at(y, x));
        CHECK((l.at(y, x) == m.at(y, x) && i.stored[p] == m.at(y, x)));
        for (std::size_t k = 0; k < 3; ++k) CHECK(i.pixels[3 * p + k] == m.at(y, x) + static_cast<int>(k));
      }
    }
    CHECK(text == shown[o - 1]);
  }
  for (const int unknown : {0, 9, -1}) CHECK(turned(mask{1, 2, {1, 0}}, unknown).pixels == std::vector<std::uint8_t>{1, 0});
}
