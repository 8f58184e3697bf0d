// The choice of post-processing on validation images: the rule of a grid with the largest mean Dice.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/postprocessing.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs {

/// Finds the post-processing with the largest mean Dice over images. The grid: thresholds 0.05, 0.10 … 0.95; components of at least 0, 4, 8, 16, 32,
/// 64, 128, 256 pixels; all of them, or the 1, 2 or 3 largest. Each axis is in the order of its distance from the default, which is its first value,
/// and of rules with equal means the first is chosen, by threshold, then number, then smallest component: one that does not help is not
/// introduced. The mean of the chosen rule is at least that of the default, as that is in the grid.
class postprocessing_search {
 public:
  static constexpr std::array smallest_components{0, 4, 8, 16, 32, 64, 128, 256};
  static constexpr std::array most_components{0, 3, 2, 1};
  static constexpr std::size_t thresholds = 19;
  /// 0.5, 0.45, 0.55, 0.4, 0.6 … 0.05, 0.95
  static float threshold(std::size_t i) {
    const auto steps = static_cast<int>((i + 1) / 2);
    return static_cast<float>(50 + (i % 2 == 1 ? -5 : 5) * steps) / 100;
  }

  /// Adds an image: its prediction and its truth; throws dcs::error where they are not of one size. The Dice of two empty masks is 1, as in measure
  /// (metrics/metrics.hpp).
  void add(const prediction& p, const mask& truth) {
    expect(p.height == truth.height && p.width == truth.width, "dcs::postprocessing_search: a prediction of ", p.height, " × ", p.width,
           " for a truth of ", truth.height, " × ", truth.width);
    ++images_;
    const auto lesion = static_cast<double>(truth.count());
    for (std::size_t t = 0; t < thresholds; ++t) {
      const ranked_components components(p.above(threshold(t)));
      // Of the first k components, for every k: their pixels, and those of them that are lesion.
      std::vector<double> hit_of(components.ranked.size() + 1, 0), pixels{0}, hit{0};
      for (std::size_t i = 0; i < truth.pixels.size(); ++i) hit_of[static_cast<std::size_t>(components.labels.pixels[i])] += truth.pixels[i];
      for (std::size_t k = 0; k < components.ranked.size(); ++k) {
        pixels.push_back(pixels.back() + static_cast<double>(components.pixels[k]));
        hit.push_back(hit.back() + hit_of[static_cast<std::size_t>(components.ranked[k])]);
      }
      for (std::size_t s = 0; s < smallest_components.size(); ++s)
        for (std::size_t m = 0; m < most_components.size(); ++m) {
          const std::size_t k = components.kept(smallest_components[s], most_components[m]);
          sums_[t][s][m] += pixels[k] + lesion > 0 ? 2 * hit[k] / (pixels[k] + lesion) : 1;
        }
    }
  }

  struct choice {
    postprocessing rule;
    double dice = 0, default_dice = 0;  // the mean Dice by the rule, and without post-processing
  };
  /// The chosen rule. Throws dcs::error where no image was added.
  choice best() const {
    expect(images_ > 0, "dcs::postprocessing_search: there is no image; expected at least one");
    choice c{{}, sums_[0][0][0], sums_[0][0][0]};
    for (std::size_t t = 0; t < thresholds; ++t)
      for (std::size_t m = 0; m < most_components.size(); ++m)
        for (std::size_t s = 0; s < smallest_components.size(); ++s)
          if (sums_[t][s][m] > c.dice) c.rule = {threshold(t), smallest_components[s], most_components[m]}, c.dice = sums_[t][s][m];
    c.dice /= static_cast<double>(images_), c.default_dice /= static_cast<double>(images_);
    return c;
  }

 private:
  std::int64_t images_ = 0;
  std::array<std::array<std::array<double, most_components.size()>, smallest_components.size()>, thresholds> sums_{};
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
