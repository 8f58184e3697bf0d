// Curves as a picture: panels with axes, round numbers and names, drawn without a library.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/font.hpp>
#include <dcs/image/plot_axis.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A curve: its name, and a value at each number of the horizontal axis. A value that is not finite is a gap.
struct curve {
  std::string name;
  std::vector<double> values;
};
/// Curves over one pair of axes. Their values belong to the numbers first, first + 1, ... of the horizontal axis, which is the epoch.
struct plot_panel {
  std::string title;
  std::vector<curve> curves;
  std::int64_t first = 1;

  /// How many numbers the horizontal axis has.
  std::size_t length() const {
    std::size_t n = 0;
    for (const curve& c : curves) n = std::max(n, c.values.size());
    return n;
  }
  /// The horizontal axis; with a margin of one half of a step at each end.
  plot_axis across() const {
    const auto start = static_cast<double>(first);
    return {start - 0.5, start + static_cast<double>(std::max<std::size_t>(length(), 1)) - 0.5};
  }
  plot_axis upwards() const {
    std::vector<double> all;
    for (const curve& c : curves) all.insert(all.end(), c.values.begin(), c.values.end());
    return plot_axis::of(all);
  }
};

/// The colours of curves, in their order; the first are told apart by most people who see fewer colours (Okabe & Ito 2008, without yellow; then
/// purple and brown).
inline constexpr std::array<detail::rgb, 9> curve_colours{
    {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {86, 180, 233}, {230, 159, 0}, {90, 90, 90}, {130, 70, 170}, {130, 80, 60}}};
constexpr detail::rgb colour_of_curve(std::size_t k) { return curve_colours[k % curve_colours.size()]; }

namespace detail {

// A rectangle of a picture: rows and columns, the ends not included.
struct frame_of_plot {
  std::int64_t top, left, bottom, right;
  double column(double position) const { return static_cast<double>(left) + position * static_cast<double>(right - 1 - left); }
  double row(double position) const { return static_cast<double>(bottom - 1) - position * static_cast<double>(bottom - 1 - top); }
};

inline void blend(image& i, std::int64_t y, std::int64_t x, rgb c, double share) {
  auto* p = i.pixels.data() + (y * i.width + x) * 3;
  const auto mixed = [&](std::uint8_t old, std::uint8_t own) { return static_cast<std::uint8_t>(std::lround(old + share * (own - old))); };
  p[0] = mixed(p[0], c.r), p[1] = mixed(p[1], c.g), p[2] = mixed(p[2], c.b);
}

// How much of each pixel of a frame a curve covers, 0 to 1, so that it is drawn once where its pieces overlap.
class coverage {
 public:
  explicit coverage(const frame_of_plot& f) : frame_(f), share_(static_cast<std::size_t>((f.bottom - f.top) * (f.right - f.left)), 0.0f) {}

  // A line of `width` pixels between two points, with round ends.
  void line(double x1, double y1, double x2, double y2, double width) {
    const double reach = width / 2 + 1, dx = x2 - x1, dy = y2 - y1, length2 = dx * dx + dy * dy;
    const auto from = [&](double a, double b, std::int64_t low) {
      return std::max(low, static_cast<std::int64_t>(std::floor(std::min(a, b) - reach)));
    };
    const auto to = [&](double a, double b, std::int64_t high) {
      return std::min(high, static_cast<std::int64_t>(std::ceil(std::max(a, b) + reach)) + 1);
    };
    for (std::int64_t y = from(y1, y2, frame_.top); y < to(y1, y2, frame_.bottom); ++y)
      for (std::int64_t x = from(x1, x2, frame_.left); x < to(x1, x2, frame_.right); ++x) {
        const double px = static_cast<double>(x) - x1, py = static_cast<double>(y) - y1;
        const double along = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0;
        const double distance = std::hypot(px - along * dx, py - along * dy);
        float& s = at(y, x);
        s = std::max(s, static_cast<float>(std::clamp(width / 2 + 0.5 - distance, 0.0, 1.0)));
      }
  }
  void draw(image& i, rgb c) {
    for (std::int64_t y = frame_.top; y < frame_.bottom; ++y)
      for (std::int64_t x = frame_.left; x < frame_.right; ++x)
        if (const float s = at(y, x); s > 0) blend(i, y, x, c, static_cast<double>(s));
  }

 private:
  float& at(std::int64_t y, std::int64_t x) {
    return share_[static_cast<std::size_t>((y - frame_.top) * (frame_.right - frame_.left) + x - frame_.left)];
  }
  frame_of_plot frame_;
  std::vector<float> share_;
};

inline void draw_curve(image& i, const frame_of_plot& f, const plot_panel& p, const plot_axis& across, const plot_axis& upwards, std::size_t k) {
  const auto& v = p.curves[k].values;
  const bool dots = v.size() <= 30;
  coverage c(f);
  for (std::size_t n = 0; n < v.size(); ++n) {
    if (!is_finite(v[n])) continue;
    const auto x = [&](std::size_t at) { return f.column(across.position(static_cast<double>(p.first) + static_cast<double>(at))); };
    const auto y = [&](std::size_t at) { return f.row(upwards.position(v[at])); };
    if (n > 0 && is_finite(v[n - 1])) c.line(x(n - 1), y(n - 1), x(n), y(n), 2.5);
    if (dots) c.line(x(n), y(n), x(n), y(n), 7);
  }
  c.draw(i, colour_of_curve(k));
}

// Title and names of a panel, of which four lines are drawn at most; returns the row below them.
inline std::int64_t draw_names(image& i, const frame_of_plot& f, const plot_panel& p, rgb ink) {
  constexpr std::int64_t scale = 2, line = 22, gap = 24;
  std::int64_t y = f.top + 10, x = f.left;
  draw_text(i, y, x, p.title, ink, scale);
  y += line, x = f.left;
  for (std::size_t k = 0; k < p.curves.size(); ++k) {
    const std::int64_t width = text_width(p.curves[k].name.size(), scale);
    if (x > f.left && x + width > f.right) {
      if (y >= f.top + 10 + 4 * line) break;
      y += line, x = f.left;
    }
    draw_text(i, y, x, p.curves[k].name, colour_of_curve(k), scale);
    x += width + gap;
  }
  return y + line;
}

inline void draw_panel(image& i, const frame_of_plot& whole, const plot_panel& p) {
  constexpr rgb ink{40, 40, 40}, grid{225, 225, 225};
  constexpr std::int64_t scale = 2, half_text = text_height(scale) / 2;
  draw_text(i, whole.bottom - 26, whole.left + 12, "epoch", ink, scale);
  const plot_axis across = p.across(), upwards = p.upwards();
  frame_of_plot f{whole.top, whole.left + 110, whole.bottom - 34, whole.right - 24};
  f.top = draw_names(i, f, p, ink) + 4;
  for (const double v : upwards.ticks(6)) {
    const auto y = std::lround(f.row(upwards.position(v)));
    for (std::int64_t x = f.left; x < f.right; ++x) put_pixel(i, y, x, grid);
    const std::string label = tick_label(v);
    draw_text(i, y - half_text + 1, f.left - 10 - text_width(label.size(), scale), label, ink, scale);
  }
  for (const double v : across.ticks(8, true)) {
    const auto x = std::lround(f.column(across.position(v)));
    for (std::int64_t y = f.top; y < f.bottom; ++y) put_pixel(i, y, x, grid);
    const std::string label = tick_label(v);
    draw_text(i, f.bottom + 8, x - text_width(label.size(), scale) / 2, label, ink, scale);
  }
  frame(i, f.top, f.left, f.bottom - 1, f.right - 1, {150, 150, 150});
  for (std::size_t k = p.curves.size(); k-- > 0;) draw_curve(i, f, p, across, upwards, k);
}

}  // namespace detail

/// An RGB picture of panels, two in a row, each 640 × 400 pixels: title, names in the curves' colours, axes with round numbers. A curve of up to 30
/// values has a dot at each.
inline image draw_plot(const std::vector<plot_panel>& panels) {
  constexpr std::int64_t height = 400, width = 640, in_row = 2;
  const auto count = static_cast<std::int64_t>(panels.size());
  const std::int64_t rows = std::max<std::int64_t>((count + in_row - 1) / in_row, 1);
  image i{rows * height, in_row * width, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(rows * height * in_row * width * 3), 255)};
  for (std::int64_t k = 0; k < count; ++k) {
    const std::int64_t top = k / in_row * height, left = k % in_row * width;
    detail::draw_panel(i, {top, left, top + height, left + width}, panels[static_cast<std::size_t>(k)]);
  }
  return i;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
