// Axes with round numbers, letters, and the pixels of curves.
#include <dcs/image/plot.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace dcs;

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN(), no_end = std::numeric_limits<double>::infinity();

// The number of pixels of a colour in a rectangle.
std::int64_t count(const image& i, detail::rgb c, std::int64_t top, std::int64_t left, std::int64_t bottom, std::int64_t right) {
  std::int64_t n = 0;
  for (std::int64_t y = top; y < bottom; ++y)
    for (std::int64_t x = left; x < right; ++x) {
      const auto* p = i.pixels.data() + (y * i.width + x) * 3;
      n += p[0] == c.r && p[1] == c.g && p[2] == c.b;
    }
  return n;
}

}  // namespace

TEST_CASE("an axis holds its numbers, and labels round ones") {
  const auto a = plot_axis::of({0.3, no_number, 4.1, no_end});
  CHECK(!a.logarithmic);
  CHECK((a.low < 0.3 && a.low > 0 && a.high > 4.1 && a.high < 5));
  CHECK(a.position(a.low) == 0);
  CHECK(a.position(a.high) == 1);
  CHECK(a.ticks(6) == std::vector<double>{1, 2, 3, 4});
  CHECK(plot_axis{0.5, 40.5}.ticks(8, true) == std::vector<double>{5, 10, 15, 20, 25, 30, 35, 40});
  CHECK(plot_axis{0.5, 2.5}.ticks(8, true) == std::vector<double>{1, 2});
  CHECK(plot_axis{0.5, 1.5}.ticks(8, true) == std::vector<double>{1});
  CHECK(plot_axis{-1, 1}.ticks(5) == std::vector<double>{-1, -0.5, 0, 0.5, 1});
  CHECK(tick_label(plot_axis{0.7, 0.74}.ticks(5)[1]) == "0.71");
}

TEST_CASE("for any range there are between two and the most that fit, all inside") {
  for (int e = -12; e <= 12; ++e)
    for (const double width : {1.0, 1.7, 2.3, 4.9, 9.99})
      for (const double from : {0.0, 0.31, -7.2}) {
        const plot_axis a{from * std::pow(10.0, e), (from + width) * std::pow(10.0, e)};
        const auto ticks = a.ticks(6);
        CHECK((ticks.size() >= 2 && ticks.size() <= 6));
        for (const double t : ticks) CHECK((a.position(t) >= -1e-9 && a.position(t) <= 1 + 1e-9));
      }
}

TEST_CASE("numbers of very different size lie on a logarithmic axis; one number, or none, has an axis too") {
  const auto a = plot_axis::of({1e-6, 1e-3});
  CHECK(a.logarithmic);
  CHECK(a.position(std::sqrt(1e-6 * 1e-3)) == doctest::Approx(0.5));
  const auto ticks = a.ticks(6);
  REQUIRE(ticks.size() == 4);
  CHECK(ticks[0] == doctest::Approx(1e-6));
  CHECK(plot_axis::of({1, 60}).ticks(8).size() >= 5);
  CHECK(plot_axis::of({1e-30, 1e30}).ticks(6).size() >= 2);
  CHECK(!plot_axis::of({-1, 1e9}).logarithmic);
  for (const auto& values : {std::vector<double>{3, 3}, {0}, {}, {no_number}, {-2}}) {
    const auto one = plot_axis::of(values);
    CHECK(one.low < one.high);
    CHECK(one.ticks(6).size() >= 2);
  }
}

TEST_CASE("every printable character has a glyph of its own, and text stays inside the image") {
  for (std::size_t a = 1; a < detail::glyphs.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) CHECK(detail::glyphs[a] != detail::glyphs[b]);
  for (const auto& g : detail::glyphs)
    for (const auto row : g) CHECK(row < 32);
  image i{10, 20, 3, std::vector<std::uint8_t>(600, 255)};
  draw_text(i, 1, 1, "1", {0, 0, 0});
  CHECK(count(i, {0, 0, 0}, 0, 0, 10, 20) == 10);
  for (const std::int64_t at : {-9, -3, 5, 18, 50}) draw_text(i, at, at, "clip\xc3\xa9", {9, 9, 9}, 3);
  CHECK(text_width(3, 2) == 34);
}

TEST_CASE("a curve is where its values are, with a gap where one is not finite") {
  plot_panel p{"loss", {{"training", std::vector<double>(101, no_number)}}};
  for (std::size_t k = 0; k <= 100; ++k) p.curves[0].values[k] = k < 40 || k > 60 ? 1.0 : no_number;
  const image i = draw_plot({p});
  REQUIRE((i.height == 400 && i.width == 1280));
  const auto colour = colour_of_curve(0);
  const std::int64_t top = 60, bottom = 366, left = 110, right = 616;
  // One row of the panel holds the curve: the middle of its axis, on which 1 lies.
  const std::int64_t all = count(i, colour, top, left, bottom, right);
  CHECK((all > 700 && all < 1700));
  CHECK(count(i, colour, (top + bottom) / 2 - 12, left, (top + bottom) / 2 + 12, right) == all);
  const auto column = [&](int epoch) { return left + static_cast<std::int64_t>(p.across().position(epoch) * static_cast<double>(right - left)); };
  CHECK(count(i, colour, top, column(44), bottom, column(58)) == 0);
  CHECK(count(i, colour, top, column(10), bottom, column(30)) > 100);
  CHECK(count(i, {255, 255, 255}, 0, 640, 400, 1280) == 400 * 640);  // there is no second panel
  CHECK(count(i, colour, 0, left, top, right) > 20);                 // its name
}

TEST_CASE("plots of nothing, of one value and of many curves with long names are drawn") {
  CHECK(draw_plot({}).height == 400);
  CHECK(draw_plot({{"empty", {}}, {"none", {{"a", {}}}}, {"one", {{"a", {1}}}}}).height == 800);
  plot_panel p{"many", {}};
  for (int k = 0; k < 20; ++k) p.curves.push_back({"a long name of a curve " + std::to_string(k), {1.0 * k, 2.0 * k}});
  CHECK(draw_plot({p}).pixels.size() == 400u * 1280 * 3);
}
