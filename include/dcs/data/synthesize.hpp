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

// The picture of one image while it is drawn, in grey values of about 0 to 1.
class synthetic_scene {
 public:
  synthetic_scene(modality kind, std::int64_t side, random_stream r)
      : kind_(kind), side_(side), r_(r), grey_(static_cast<std::size_t>(side * side), 0), truth_{side, side, {}} {
    truth_.pixels.assign(grey_.size(), 0);
  }

  // The body: an ellipse of slowly varying tissue; endoscopy fills the frame with a vignette.
  void draw_body() {
    const value_noise tissue(r_.child(1), s_ / 4, 3), grain(r_.child(2), s_ / 40, 2);
    for_each_pixel([&](double y, double x, double& grey) {
      const double d = inside(y, x), value = base_ + 0.10 * tissue.at(y, x) + 0.03 * grain.at(y, x);
      if (kind_ == modality::endoscopy)
        grey = value * (1.15 - 0.35 * d);
      else if (d < 1)
        grey = value;
      else
        grey = d < 1.12 ? kind_ == modality::mri ? 0.62 : 0.8 : 0.03;  // skull, or bone, and what is around
    });
  }

  // Bright smooth discs, and rings. They keep clear of the lesion and of one another, as two overlapping ones could look like a lesion.
  void draw_discs() {
    std::vector<disc> taken{{lesion_.y, lesion_.x, 1.4 * lesion_.radius}};
    const auto discs = 3 + r_.below(5, 4);
    for (std::uint32_t k = 0; k < discs; ++k) {
      const std::uint64_t o = 100 + 20 * k;
      const bool ring = between(o, 0, 1) < 0.3;
      const double size = (ring ? between(o + 1, 0.04, 0.06) : between(o + 1, 0.012, 0.026)) * s_, stretch = between(o + 2, 0.8, 1.25),
                   amount = contrast_ * between(o + 3, 1.2, 2.0);
      const auto found = clear_place(o + 4, 1.4 * size, taken);
      if (!found) continue;
      taken.push_back(*found);
      for_each_pixel([&](double y, double x, double& grey) {
        const double q = std::hypot((y - found->y) * stretch, (x - found->x) / stretch) / size;
        if (q < 1.4) grey += amount * (ring ? std::exp(-20 * (q - 0.8) * (q - 0.8)) : 1 / (1 + std::exp(14 * (q - 1))));
      });
    }
  }

  // Long thin vessels that bend.
  void draw_vessels() {
    const auto vessels = 2 + r_.below(6, 3);
    for (std::uint32_t k = 0; k < vessels; ++k) {
      const std::uint64_t o = 400 + 20 * k;
      auto [y, x] = place(o, 0.9);
      double heading = between(o + 2, 0, 2 * std::numbers::pi);
      const value_noise bend(r_.child(30 + k), s_ / 8, 2);
      const double width = between(o + 3, 0.006, 0.012) * s_, amount = contrast_ * between(o + 4, 0.7, 1.2);
      for (int step = 0; step < static_cast<int>(0.45 * s_); ++step) {
        heading += 0.12 * bend.at(y, x), y += std::sin(heading), x += std::cos(heading);
        if (inside(y, x) > 0.9) break;
        draw_dot(y, x, width, amount);
      }
    }
  }

  // The lesion: a lobed outline, mottled inside, no brighter than the distractors.
  void draw_lesion() {
    double lobes[5], phase[5];
    for (std::uint64_t k = 0; k < 5; ++k)
      lobes[k] = between(10 + k, 0.0, 0.30 / static_cast<double>(k + 1)), phase[k] = between(20 + k, 0, 2 * std::numbers::pi);
    const value_noise mottle(r_.child(3), std::max(2.5, s_ / 45), 1);
    const double lift = contrast_ * between(30, 0.75, 1.05);
    for_each_pixel([&](double y, double x, double& grey) {
      const double v = y - lesion_.y, w = x - lesion_.x, angle = std::atan2(v, w);
      double edge = lesion_.radius;
      for (int k = 0; k < 5; ++k) edge += lesion_.radius * lobes[k] * std::sin((k + 2) * angle + phase[k]);
      const double q = std::hypot(v, w) / edge;
      if (q > 1.5) return;
      const double mix = 1 / (1 + std::exp(10 * (q - 1)));
      grey += mix * lift * (1 + 0.75 * mottle.at(y, x));
      if (q <= 1) truth_.at(static_cast<std::int64_t>(y), static_cast<std::int64_t>(x)) = 1;
    });
  }

  // Noise and colour.
  synthetic finished() {
    const random_stream noise = r_.child(4);
    const bool colour = kind_ == modality::endoscopy;
    synthetic out{{side_, side_, colour ? 3 : 1, {}}, std::move(truth_)};
    auto& pixels = out.pixels.pixels;
    pixels.resize(static_cast<std::size_t>(side_ * side_ * out.pixels.channels));
    const double deviation = kind_ == modality::ct ? 0.035 : 0.02;
    const auto byte = [](double x) { return static_cast<std::uint8_t>(std::clamp(255 * x, 0.0, 255.0)); };
    for (std::size_t p = 0; p < grey_.size(); ++p) {
      const double value = grey_[p] + deviation * noise.normal(p);
      if (colour)
        pixels[3 * p] = byte(0.35 + 0.75 * value), pixels[3 * p + 1] = byte(0.9 * value - 0.05), pixels[3 * p + 2] = byte(0.75 * value - 0.05);
      else
        pixels[p] = byte(value);
    }
    return out;
  }

 private:
  struct disc {
    double y, x, radius;
  };

  // Number k of the image's random numbers, in a range.
  double between(std::uint64_t k, double low, double high) const { return low + (high - low) * static_cast<double>(r_.uniform(k)); }
  template <class F>
  void for_each_pixel(const F& f) {
    for (std::int64_t y = 0; y < side_; ++y)
      for (std::int64_t x = 0; x < side_; ++x) f(static_cast<double>(y), static_cast<double>(x), grey_[static_cast<std::size_t>(y * side_ + x)]);
  }
  // Below 1 in the body's ellipse.
  double inside(double y, double x) const { return (y - cy_) * (y - cy_) / (ry_ * ry_) + (x - cx_) * (x - cx_) / (rx_ * rx_); }
  // A random place in the part `reach` of the ellipse.
  std::pair<double, double> place(std::uint64_t k, double reach) const {
    const double angle = between(k, 0, 2 * std::numbers::pi), far = reach * std::sqrt(between(k + 1, 0.02, 1));
    return {cy_ + ry_ * far * std::sin(angle), cx_ + rx_ * far * std::cos(angle)};
  }
  std::optional<disc> clear_place(std::uint64_t first, double radius, const std::vector<disc>& taken) const {
    for (std::uint64_t attempt = 0; attempt < 8; ++attempt) {
      const auto centre = place(first + 2 * attempt, 0.85);
      const double y = centre.first, x = centre.second;
      if (std::all_of(taken.begin(), taken.end(), [&](const disc& d) { return std::hypot(y - d.y, x - d.x) > radius + d.radius; }))
        return disc{y, x, radius};
    }
    return std::nullopt;
  }
  void draw_dot(double y, double x, double width, double amount) {
    const auto reach = static_cast<std::int64_t>(2 * width) + 1;
    for (std::int64_t v = -reach; v <= reach; ++v)
      for (std::int64_t w = -reach; w <= reach; ++w) {
        const auto py = static_cast<std::int64_t>(y) + v, px = static_cast<std::int64_t>(x) + w;
        if (py < 0 || px < 0 || py >= side_ || px >= side_) continue;
        const double q = std::hypot(static_cast<double>(py) - y, static_cast<double>(px) - x) / width;
        double& p = grey_[static_cast<std::size_t>(py * side_ + px)];
        p = std::max(p, base_ + amount / (1 + std::exp(6 * (q - 1))));
      }
  }

  modality kind_;
  std::int64_t side_;
  random_stream r_;
  std::vector<double> grey_;
  mask truth_;
  double s_ = static_cast<double>(side_);
  double cy_ = s_ / 2 + between(0, -0.04, 0.04) * s_, cx_ = s_ / 2 + between(1, -0.04, 0.04) * s_;
  double ry_ = between(2, 0.40, 0.46) * s_, rx_ = between(3, 0.36, 0.44) * s_;
  double base_ = kind_ == modality::mri ? 0.38 : kind_ == modality::ct ? 0.45 : 0.5, contrast_ = between(4, 0.20, 0.28);
  std::pair<double, double> centre_ = place(7, 0.72);
  disc lesion_{centre_.first, centre_.second, between(9, 0.040, 0.052) * s_};
};

}  // namespace detail

/// Image `index` of a set: side × side pixels (at least 64).
inline synthetic synthesize(modality kind, std::int64_t side, std::uint64_t seed, std::uint64_t index) {
  expect(side >= 64, "dcs::synthesize: side ", side, "; expected at least 64");
  detail::synthetic_scene scene(kind, side, random_stream{seed, 17}.child(index));
  scene.draw_body();
  scene.draw_discs();
  scene.draw_vessels();
  scene.draw_lesion();
  return scene.finished();
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
