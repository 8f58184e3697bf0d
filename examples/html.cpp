#include "html.hpp"

#include "text.hpp"

#include <dcs/core/printable.hpp>

namespace programs {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : dcs::printable(std::string(text))) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k) v = v << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : digits[v >> (18 - 6 * k) & 63];
  }
  return out;
}

namespace {

// Width and height of a panel in the units of its SVG, and the frame of the curves in it.
constexpr double width = 560, height = 300, left = 70, right = 12, top = 12, bottom = 36;

std::string hex(dcs::detail::rgb c) { return formatted("#%02x%02x%02x", c.r, c.g, c.b); }

struct placed_panel {
  const dcs::plot_panel& panel;
  dcs::plot_axis across = panel.across(), upwards = panel.upwards();

  double x(double v) const { return left + across.position(v) * (width - left - right); }
  double y(double v) const { return height - bottom - upwards.position(v) * (height - top - bottom); }

  std::string grid() const {
    std::string s =
        formatted("<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" class=\"frame\"/>\n", left, top, width - left - right, height - top - bottom);
    for (const double v : upwards.ticks(6)) {
      s += formatted("<line x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>", left, width - right, y(v), y(v));
      s += formatted("<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 8, y(v) + 4, dcs::tick_label(v).c_str());
    }
    for (const double v : across.ticks(8, true)) {
      s += formatted("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\" class=\"grid\"/>", x(v), x(v), top, height - bottom);
      s += formatted("<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", x(v), height - bottom + 18, dcs::tick_label(v).c_str());
    }
    return s + formatted("<text x=\"8\" y=\"%g\">epoch</text>\n", height - bottom + 18);
  }
  // A line through the values, broken where one is not finite, and a dot with a title for each.
  std::string of_curve(std::size_t k) const {
    const dcs::curve& c = panel.curves[k];
    std::string path, dots;
    bool open = false;
    for (std::size_t n = 0; n < c.values.size(); ++n) {
      const double v = c.values[n], at = static_cast<double>(panel.first) + static_cast<double>(n);
      if (!dcs::is_finite(v)) {
        open = false;
        continue;
      }
      path += formatted("%c%.1f %.1f", open ? 'L' : 'M', x(at), y(v));
      dots += formatted("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>", x(at), y(v), c.values.size() <= 60 ? 3 : 2) + escaped(c.name) +
              formatted(", epoch %g: %.6g</title></circle>\n", at, v);
      open = true;
    }
    const std::string colour = hex(dcs::colour_of_curve(k));
    std::string s;
    if (!path.empty()) s = "<path d=\"" + path + "\" stroke=\"" + colour + "\"/>\n";
    return s + "<g fill=\"" + colour + "\">\n" + dots + "</g>\n";
  }
};

}  // namespace

std::string svg_of(const dcs::plot_panel& p) {
  const placed_panel placed{p};
  std::string s =
      formatted("<svg viewBox=\"0 0 %g %g\" role=\"img\">\n", width, height) + "<title>" + escaped(p.title) + "</title>\n" + placed.grid();
  for (std::size_t k = p.curves.size(); k-- > 0;) s += placed.of_curve(k);
  return s + "</svg>\n";
}

}  // namespace programs
