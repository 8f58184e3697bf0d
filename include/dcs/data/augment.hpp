// Augmentation: one random geometric map for image and mask, then changes of the image's values. Everything is a function of a random stream, so an
// epoch's images do not depend on the thread that loads them. Probabilities and ranges are those of the DCSNet paper's training.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/data/sample.hpp>

#include <numbers>

DCS_EXACT_MATH
namespace dcs {

/// Probabilities and limits of the augmentations.
struct augment_options {
  double flip_horizontal = 0.5, flip_vertical = 0.3, quarter_turn = 0.3;
  double affine = 0.4, shift = 0.05, scale = 0.10, degrees = 15;
  double grid = 0.2, grid_limit = 0.1;
  double brightness_contrast = 0.4, brightness_limit = 0.15;
  double gamma = 0.2, gamma_low = 0.8, gamma_high = 1.2;
  double noise = 0.2, noise_deviation = 7;  // of 255, at most
  double blur = 0.2;                        // kernel 3 or 5
};

namespace detail {

// The source position of each pixel of the result.
struct pixel_map {
  std::int64_t height, width;
  std::vector<float> y, x;
  pixel_map(std::int64_t h, std::int64_t w) : height(h), width(w), y(static_cast<std::size_t>(h * w)), x(y.size()) {
    for (std::int64_t i = 0; i < h * w; ++i)
      y[static_cast<std::size_t>(i)] = static_cast<float>(i / w), x[static_cast<std::size_t>(i)] = static_cast<float>(i % w);
  }
  // Positions among as many pixels of the same image, areas to areas, from those among from_height × from_width.
  void rescale(std::int64_t from_height, std::int64_t from_width, std::int64_t to_height, std::int64_t to_width) {
    const float down = static_cast<float>(to_height) / static_cast<float>(from_height),
                across = static_cast<float>(to_width) / static_cast<float>(from_width);
    apply([&](float& v, float& u) { v = (v + 0.5f) * down - 0.5f, u = (u + 0.5f) * across - 0.5f; });
  }
  template <class F>
  void apply(const F& f) {
    for (std::size_t i = 0; i < y.size(); ++i) f(y[i], x[i]);
  }
};

inline float_image resampled(const float_image& in, const pixel_map& m) {
  float_image out{m.height, m.width, in.channels, std::vector<float>(static_cast<std::size_t>(m.height * m.width * in.channels), 0.0f)};
  auto at = [&](std::int64_t y, std::int64_t x, std::int64_t c) { return y < 0 || x < 0 || y >= in.height || x >= in.width ? 0.0f : in.at(y, x, c); };
  for (std::int64_t p = 0; p < m.height * m.width; ++p) {
    const float fy = m.y[static_cast<std::size_t>(p)], fx = m.x[static_cast<std::size_t>(p)];
    const auto y = static_cast<std::int64_t>(std::floor(fy)), x = static_cast<std::int64_t>(std::floor(fx));
    const float v = fy - static_cast<float>(y), u = fx - static_cast<float>(x);
    for (std::int64_t c = 0; c < in.channels; ++c)
      out.pixels[static_cast<std::size_t>(p * in.channels + c)] =
          (1 - v) * ((1 - u) * at(y, x, c) + u * at(y, x + 1, c)) + v * ((1 - u) * at(y + 1, x, c) + u * at(y + 1, x + 1, c));
  }
  return out;
}
// A mask or a label map: the nearest pixel.
template <class Map>
Map resampled_nearest(const Map& in, const pixel_map& m) {
  Map out{m.height, m.width, decltype(in.pixels)(static_cast<std::size_t>(m.height * m.width), 0)};
  for (std::size_t p = 0; p < out.pixels.size(); ++p) {
    const auto y = static_cast<std::int64_t>(std::lround(m.y[p])), x = static_cast<std::int64_t>(std::lround(m.x[p]));
    if (y >= 0 && x >= 0 && y < in.height && x < in.width) out.pixels[p] = in.at(y, x);
  }
  return out;
}

// A monotone piecewise linear map of [0, n) whose five knots are displaced.
inline std::vector<float> distorted_axis(std::int64_t n, double limit, random_stream r, std::uint64_t at) {
  constexpr int steps = 5;
  float knot[steps + 1] = {0};
  for (int k = 0; k < steps; ++k)
    knot[k + 1] =
        knot[k] + static_cast<float>(n) / steps * (1 + static_cast<float>(limit * (2.0 * r.uniform(at + static_cast<std::uint64_t>(k)) - 1)));
  std::vector<float> to(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const float p = static_cast<float>(i) * steps / static_cast<float>(n);
    const int k = std::min(static_cast<int>(p), steps - 1);
    to[static_cast<std::size_t>(i)] = knot[k] + (knot[k + 1] - knot[k]) * (p - static_cast<float>(k));
  }
  return to;
}

inline void blur(float_image& i, int radius) {
  const double sigma = 0.3 * (radius - 1) + 0.8;
  std::vector<float> kernel;
  float total = 0;
  for (int k = -radius; k <= radius; ++k) kernel.push_back(static_cast<float>(std::exp(-k * k / (2 * sigma * sigma)))), total += kernel.back();
  for (float& k : kernel) k /= total;
  for (const bool down : {false, true}) {
    const float_image from = i;
    for (std::int64_t y = 0; y < i.height; ++y)
      for (std::int64_t x = 0; x < i.width; ++x)
        for (std::int64_t c = 0; c < i.channels; ++c) {
          float sum = 0;
          for (int k = -radius; k <= radius; ++k) {
            const auto v = std::clamp<std::int64_t>(y + (down ? k : 0), 0, i.height - 1),
                       u = std::clamp<std::int64_t>(x + (down ? 0 : k), 0, i.width - 1);
            sum += kernel[static_cast<std::size_t>(k + radius)] * from.at(v, u, c);
          }
          i.at(y, x, c) = sum;
        }
  }
}

// Moves the positions of a map, which are among the pixels of an image of height × width, as an augmentation with these random numbers does; false
// where it moves nothing.
inline bool moved(const augment_options& o, pixel_map& map, std::int64_t height, std::int64_t width, random_stream r) {
  const auto h = static_cast<float>(height), w = static_cast<float>(width);
  const float cy = (h - 1) / 2, cx = (w - 1) / 2;
  bool moved = false;
  auto chance = [&](std::uint64_t k, double p) { return static_cast<double>(r.uniform(k)) < p; };
  auto between = [&](std::uint64_t k, double low, double high) { return low + (high - low) * static_cast<double>(r.uniform(k)); };
  if (chance(0, o.flip_horizontal)) moved = true, map.apply([&](float&, float& x) { x = w - 1 - x; });
  if (chance(1, o.flip_vertical)) moved = true, map.apply([&](float& y, float&) { y = h - 1 - y; });
  if (height == width && chance(2, o.quarter_turn)) {
    const auto turns = 1 + r.below(3, 3);
    moved = true;
    for (std::uint32_t k = 0; k < turns; ++k) map.apply([&](float& y, float& x) { std::swap(y, x), y = h - 1 - y; });
  }
  if (chance(4, o.affine)) {
    moved = true;
    const double angle = between(5, -o.degrees, o.degrees) * std::numbers::pi / 180, zoom = 1 / (1 + between(6, -o.scale, o.scale));
    const auto cosine = static_cast<float>(zoom * std::cos(angle)), sine = static_cast<float>(zoom * std::sin(angle));
    const auto dy = static_cast<float>(between(7, -o.shift, o.shift)) * h, dx = static_cast<float>(between(8, -o.shift, o.shift)) * w;
    map.apply([&](float& y, float& x) {
      const float v = y - cy - dy, u = x - cx - dx;
      y = cy + sine * u + cosine * v, x = cx + cosine * u - sine * v;
    });
  }
  if (chance(9, o.grid)) {
    moved = true;
    const auto down = distorted_axis(height, o.grid_limit, r, 100), across = distorted_axis(width, o.grid_limit, r, 200);
    auto through = [](const std::vector<float>& t, float p) {
      const float q = std::clamp(p, 0.0f, static_cast<float>(t.size() - 1));
      const auto k = std::min(static_cast<std::size_t>(q), t.size() - 2);
      return t[k] + (t[k + 1] - t[k]) * (q - static_cast<float>(k)) + (p - q);
    };
    if (height > 1 && width > 1) map.apply([&](float& y, float& x) { y = through(down, y), x = through(across, x); });
  }
  return moved;
}

// Changes of an image's values (0..255).
inline void change_values(const augment_options& o, float_image& i, random_stream r) {
  auto chance = [&](std::uint64_t k, double p) { return static_cast<double>(r.uniform(k)) < p; };
  auto between = [&](std::uint64_t k, double low, double high) { return low + (high - low) * static_cast<double>(r.uniform(k)); };
  auto each = [&](const auto& f) {
    for (float& p : i.pixels) p = std::clamp(f(p), 0.0f, 255.0f);
  };
  if (chance(10, o.brightness_contrast)) {
    const auto contrast = static_cast<float>(1 + between(11, -o.brightness_limit, o.brightness_limit)),
               add = static_cast<float>(255 * between(12, -o.brightness_limit, o.brightness_limit));
    each([&](float p) { return p * contrast + add; });
  }
  if (chance(13, o.gamma)) {
    const auto g = static_cast<float>(between(14, o.gamma_low, o.gamma_high));
    each([&](float p) { return 255 * std::pow(p / 255, g); });
  }
  if (chance(15, o.noise)) {
    const double deviation = between(16, 0.4, 1) * o.noise_deviation;
    const random_stream n = r.child(17);
    for (std::size_t p = 0; p < i.pixels.size(); ++p)
      i.pixels[p] = std::clamp(i.pixels[p] + static_cast<float>(deviation * n.normal(p)), 0.0f, 255.0f);
  }
  if (chance(18, o.blur)) blur(i, chance(19, 0.5) ? 1 : 2);
}

}  // namespace detail

/// Augments an image (values 0..255) and its mask, of equal size, and its objects, where there are any.
inline void augment(const augment_options& o, float_image& i, mask& m, random_stream r, label_map* objects = nullptr) {
  detail::pixel_map map(i.height, i.width);
  if (detail::moved(o, map, i.height, i.width, r)) {
    i = detail::resampled(i, map), m = detail::resampled_nearest(m, map);
    if (objects && !objects->empty()) *objects = detail::resampled_nearest(*objects, map);
  }
  detail::change_values(o, i, r);
}

/// Augments a sample. Its native mask, where it has it, moves as its image does: by the same map, at its own resolution.
inline void augment(const augment_options& o, sample& s, random_stream r) {
  if (!s.native.empty()) {
    expect(s.native.is_consistent(), "dcs::augment: the native mask of ", s.name, " and its objects differ in size; expected one size");
    const std::int64_t h = s.pixels.height, w = s.pixels.width, rows = s.native.truth.height, columns = s.native.truth.width;
    detail::pixel_map map(rows, columns);
    map.rescale(rows, columns, h, w);
    if (detail::moved(o, map, h, w, r)) {
      map.rescale(h, w, rows, columns);
      s.native.truth = detail::resampled_nearest(s.native.truth, map);
      if (!s.native.objects.empty()) s.native.objects = detail::resampled_nearest(s.native.objects, map);
    }
  }
  augment(o, s.pixels, s.truth, r, &s.objects);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
