// Synthetic images with small lesions: MRI-like, endoscopy-like and CT-like. A lesion covers less than 1 % of the image, is irregular, low in
// contrast, and differs from its distractors in texture and outline, not in intensity: distractors are brighter, but small, smooth and round, or
// hollow, or long and thin, so no threshold on grey values finds the lesion. Everything is a function of the seed.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/image/image.hpp>

#include <algorithm>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

enum class modality { mri, endoscopy, ct };

/// An image with the mask of its lesion.
struct synthetic {
  image pixels;
  mask truth;
};

namespace detail {

// Smooth noise in about −1..1: random values on a grid, interpolated, over octaves.
class value_noise {
 public:
  value_noise(random_stream r, double cell, int octaves) : random_(r), cell_(cell), octaves_(octaves) {}
  double at(double y, double x) const {
    double sum = 0, weight = 0.5, size = cell_;
    for (int o = 0; o < octaves_; ++o, weight /= 2, size /= 2) sum += weight * octave(o, y / size, x / size);
    return 2 * sum;
  }

 private:
  double corner(int o, std::int64_t i, std::int64_t j) const {
    return 2.0 * static_cast<double>(random_.child(static_cast<std::uint64_t>(o)).uniform(static_cast<std::uint64_t>((i + 4096) * 8192 + j + 4096))) -
           1;
  }
  double octave(int o, double y, double x) const {
    const auto i = static_cast<std::int64_t>(std::floor(y)), j = static_cast<std::int64_t>(std::floor(x));
    auto fade = [](double t) { return t * t * (3 - 2 * t); };
    const double v = fade(y - static_cast<double>(i)), u = fade(x - static_cast<double>(j));
    return (1 - v) * ((1 - u) * corner(o, i, j) + u * corner(o, i, j + 1)) + v * ((1 - u) * corner(o, i + 1, j) + u * corner(o, i + 1, j + 1));
  }
  random_stream random_;
  double cell_;
  int octaves_;
};

}  // namespace detail

/// Image `index` of a set: side × side pixels (at least 64).
inline synthetic synthesize(modality kind, std::int64_t side, std::uint64_t seed, std::uint64_t index) {
  expect(side >= 64, "dcs::synthesize: side ", side, "; expected at least 64");
  const random_stream r = random_stream{seed, 17}.child(index);
  const auto s = static_cast<double>(side);
  auto u = [&](std::uint64_t k, double low, double high) { return low + (high - low) * static_cast<double>(r.uniform(k)); };
  std::vector<double> grey(static_cast<std::size_t>(side * side), 0);
  mask truth{side, side, std::vector<std::uint8_t>(grey.size(), 0)};
  auto at = [&](std::int64_t y, std::int64_t x) -> double& { return grey[static_cast<std::size_t>(y * side + x)]; };

  // The body: an ellipse of slowly varying tissue; endoscopy fills the frame with a vignette.
  const detail::value_noise tissue(r.child(1), s / 4, 3), grain(r.child(2), s / 40, 2);
  const double cy = s / 2 + u(0, -0.04, 0.04) * s, cx = s / 2 + u(1, -0.04, 0.04) * s, ry = u(2, 0.40, 0.46) * s, rx = u(3, 0.36, 0.44) * s;
  const double base = kind == modality::mri ? 0.38 : kind == modality::ct ? 0.45 : 0.5;
  auto inside = [&](double y, double x) { return (y - cy) * (y - cy) / (ry * ry) + (x - cx) * (x - cx) / (rx * rx); };
  for (std::int64_t y = 0; y < side; ++y)
    for (std::int64_t x = 0; x < side; ++x) {
      const double d = inside(static_cast<double>(y), static_cast<double>(x));
      const double value =
          base + 0.10 * tissue.at(static_cast<double>(y), static_cast<double>(x)) + 0.03 * grain.at(static_cast<double>(y), static_cast<double>(x));
      if (kind == modality::endoscopy)
        at(y, x) = value * (1.15 - 0.35 * d);
      else if (d < 1)
        at(y, x) = value;
      else if (d < 1.12 && kind != modality::endoscopy)
        at(y, x) = kind == modality::mri ? 0.62 : 0.8;  // skull, or bone
      else
        at(y, x) = 0.03;
    }

  auto place = [&](std::uint64_t k, double reach) {
    const double angle = u(k, 0, 2 * std::numbers::pi), far = reach * std::sqrt(u(k + 1, 0.02, 1));
    return std::pair(cy + ry * far * std::sin(angle), cx + rx * far * std::cos(angle));
  };

  // The place of the lesion. Distractors keep clear of it and of one another, as two overlapping ones could look like a lesion.
  const auto [ly, lx] = place(7, 0.72);
  const double radius = u(9, 0.040, 0.052) * s;
  struct disc {
    double y, x, radius;
  };
  std::vector<disc> taken{{ly, lx, 1.4 * radius}};

  // Distractors: bright smooth discs, rings and vessels.
  const double contrast = u(4, 0.20, 0.28);
  const auto discs = 3 + r.below(5, 4);
  for (std::uint32_t k = 0; k < discs; ++k) {
    const std::uint64_t o = 100 + 20 * k;
    const bool ring = u(o, 0, 1) < 0.3;
    const double size = (ring ? u(o + 1, 0.04, 0.06) : u(o + 1, 0.012, 0.026)) * s, stretch = u(o + 2, 0.8, 1.25),
                 amount = contrast * u(o + 3, 1.2, 2.0);
    std::optional<disc> found;
    for (std::uint64_t attempt = 0; attempt < 8 && !found; ++attempt) {
      const auto centre = place(o + 4 + 2 * attempt, 0.85);
      const bool clear = std::all_of(taken.begin(), taken.end(),
                                     [&](const disc& d) { return std::hypot(centre.first - d.y, centre.second - d.x) > 1.4 * size + d.radius; });
      if (clear) found = disc{centre.first, centre.second, 1.4 * size};
    }
    if (!found) continue;
    taken.push_back(*found);
    for (std::int64_t y = 0; y < side; ++y)
      for (std::int64_t x = 0; x < side; ++x) {
        const double q = std::hypot((static_cast<double>(y) - found->y) * stretch, (static_cast<double>(x) - found->x) / stretch) / size;
        if (q < 1.4) at(y, x) += amount * (ring ? std::exp(-20 * (q - 0.8) * (q - 0.8)) : 1 / (1 + std::exp(14 * (q - 1))));
      }
  }
  const auto vessels = 2 + r.below(6, 3);
  for (std::uint32_t k = 0; k < vessels; ++k) {
    const std::uint64_t o = 400 + 20 * k;
    auto [y, x] = place(o, 0.9);
    double heading = u(o + 2, 0, 2 * std::numbers::pi);
    const detail::value_noise bend(r.child(30 + k), s / 8, 2);
    const double width = u(o + 3, 0.006, 0.012) * s, amount = contrast * u(o + 4, 0.7, 1.2);
    for (int step = 0; step < static_cast<int>(0.45 * s); ++step) {
      heading += 0.12 * bend.at(y, x), y += std::sin(heading), x += std::cos(heading);
      if (inside(y, x) > 0.9) break;
      const auto reach = static_cast<std::int64_t>(2 * width) + 1;
      for (std::int64_t v = -reach; v <= reach; ++v)
        for (std::int64_t w = -reach; w <= reach; ++w) {
          const auto py = static_cast<std::int64_t>(y) + v, px = static_cast<std::int64_t>(x) + w;
          if (py < 0 || px < 0 || py >= side || px >= side) continue;
          const double q = std::hypot(static_cast<double>(py) - y, static_cast<double>(px) - x) / width;
          double& p = at(py, px);
          p = std::max(p, base + amount / (1 + std::exp(6 * (q - 1))));
        }
    }
  }

  // The lesion: a lobed outline, mottled inside, no brighter than the distractors.
  double lobes[5], phase[5];
  for (std::uint64_t k = 0; k < 5; ++k) lobes[k] = u(10 + k, 0.0, 0.30 / static_cast<double>(k + 1)), phase[k] = u(20 + k, 0, 2 * std::numbers::pi);
  const detail::value_noise mottle(r.child(3), std::max(2.5, s / 45), 1);
  const double lift = contrast * u(30, 0.75, 1.05);
  for (std::int64_t y = 0; y < side; ++y)
    for (std::int64_t x = 0; x < side; ++x) {
      const double v = static_cast<double>(y) - ly, w = static_cast<double>(x) - lx, angle = std::atan2(v, w);
      double edge = radius;
      for (int k = 0; k < 5; ++k) edge += radius * lobes[k] * std::sin((k + 2) * angle + phase[k]);
      const double q = std::hypot(v, w) / edge;
      if (q > 1.5) continue;
      const double mix = 1 / (1 + std::exp(10 * (q - 1)));
      at(y, x) += mix * lift * (1 + 0.75 * mottle.at(static_cast<double>(y), static_cast<double>(x)));
      if (q <= 1) truth.at(y, x) = 1;
    }

  // Noise and colour.
  const random_stream noise = r.child(4);
  const bool colour = kind == modality::endoscopy;
  synthetic out{{side, side, colour ? 3 : 1, {}}, std::move(truth)};
  out.pixels.pixels.resize(static_cast<std::size_t>(side * side * out.pixels.channels));
  const double deviation = kind == modality::ct ? 0.035 : 0.02;
  for (std::size_t p = 0; p < grey.size(); ++p) {
    const double value = grey[p] + deviation * noise.normal(p);
    auto byte = [](double x) { return static_cast<std::uint8_t>(std::clamp(255 * x, 0.0, 255.0)); };
    if (!colour) {
      out.pixels.pixels[p] = byte(value);
    } else {
      out.pixels.pixels[3 * p] = byte(0.35 + 0.75 * value), out.pixels.pixels[3 * p + 1] = byte(0.9 * value - 0.05),
                            out.pixels.pixels[3 * p + 2] = byte(0.75 * value - 0.05);
    }
  }
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
