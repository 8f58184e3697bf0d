// Confidence intervals of any statistic of a set of images: the percentile bootstrap (Efron 1979) over groups of images, for example all images of a
// patient, which are not independent of each other. One object draws the resampled sets once: statistics that are computed with it see the same sets,
// and an interval of a difference between two networks is a paired one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/metrics/statistic.hpp>

#include <algorithm>
#include <limits>

DCS_EXACT_MATH
namespace dcs {

/// A statistic of a set and its confidence interval.
struct estimate {
  double value = 0, low = 0, high = 0;
};

struct bootstrap_options {
  std::int64_t replicates = 2000;  // resampled sets
  double level = 0.95;             // of the interval
  std::uint64_t seed = 0;
};

class bootstrap {
 public:
  /// `group`: the number of each image's group, from 0. A resampled set draws as many groups as there are, with replacement, and each with all of its
  /// images. Replicate r, draw j is a function of (seed, r, j) alone, so the bits do not depend on the number of threads. Throws dcs::error where
  /// there is no image, a number of a group is negative or left out (numbers_of_groups numbers them), or an option is out of its range (at least 1
  /// replicate, at most 2^40 replicates × images, a level between 0 and 1).
  explicit bootstrap(const std::vector<std::int32_t>& group, const bootstrap_options& options = {}) : options_(options), images_(group.size()) {
    expect(!group.empty(), "dcs::bootstrap: there is no image; expected at least one");
    const std::int64_t most_replicates = most_drawn / static_cast<std::int64_t>(images_);
    expect(options.replicates >= 1 && options.replicates <= most_replicates, "dcs::bootstrap: ", options.replicates, " replicates of ", images_,
           " images; expected 1 to ", most_replicates);
    expect(options.level > 0 && options.level < 1, "dcs::bootstrap: a level of ", options.level, "; expected a number between 0 and 1");
    const std::uint32_t groups = number_of(group);
    drawn_.resize(images_ * static_cast<std::size_t>(options.replicates));
    cpu::parallel_for(options.replicates, [&](std::int64_t r) {
      const random_stream draws = random_stream{options.seed, stream}.child(static_cast<std::uint64_t>(r));
      std::vector<std::uint32_t> times(groups, 0);
      for (std::uint32_t j = 0; j < groups; ++j) ++times[draws.below(j, groups)];
      for (std::size_t i = 0; i < images_; ++i) drawn_[static_cast<std::size_t>(r) * images_ + i] = times[static_cast<std::size_t>(group[i])];
    });
  }

  std::int64_t replicates() const { return options_.replicates; }
  /// How often replicate `r` contains each image.
  multiplicities replicate(std::int64_t r) const { return {drawn_.data() + static_cast<std::size_t>(r) * images_, images_}; }

  /// The statistic of the set, and the quantiles (1 ± level) / 2 of those of the resampled sets. `statistic` maps multiplicities to
  /// std::optional<double>, and is called by several threads. Resampled sets that do not define it, for example the mean over lesions of images
  /// without one, are left out; where none does, the bounds are NaN. Nothing where the set itself does not define it.
  template <class Statistic>
  std::optional<estimate> operator()(const Statistic& statistic) const {
    const std::optional<double> value = statistic(multiplicities{});
    if (!value) return std::nullopt;
    std::vector<std::optional<double>> found(static_cast<std::size_t>(options_.replicates));
    cpu::parallel_for(options_.replicates, [&](std::int64_t r) { found[static_cast<std::size_t>(r)] = statistic(replicate(r)); });
    std::vector<double> ascending;
    for (const auto& f : found)
      if (f) ascending.push_back(*f);
    std::sort(ascending.begin(), ascending.end());
    const double none = std::numeric_limits<double>::quiet_NaN();
    if (ascending.empty()) return estimate{*value, none, none};
    return estimate{*value, quantile(ascending, (1 - options_.level) / 2), quantile(ascending, (1 + options_.level) / 2)};
  }

 private:
  static constexpr std::uint64_t stream = 0x626f6f74;  // apart from other uses of the seed
  static constexpr std::int64_t most_drawn = std::int64_t{1} << 40;

  // A number that no image has would be drawn as a group without images.
  static std::uint32_t number_of(const std::vector<std::int32_t>& group) {
    std::vector<bool> has_images(group.size());
    std::int32_t most = 0;
    for (const std::int32_t g : group) {
      expect(g >= 0 && static_cast<std::size_t>(g) < group.size(), "dcs::bootstrap: group ", g, " of ", group.size(),
             " images; expected numbers from 0 without gaps");
      has_images[static_cast<std::size_t>(g)] = true;
      most = std::max(most, g);
    }
    for (std::int32_t g = 0; g < most; ++g)
      expect(has_images[static_cast<std::size_t>(g)], "dcs::bootstrap: no image is in group ", g, ", but one in group ", most,
             "; expected numbers from 0 without gaps");
    return static_cast<std::uint32_t>(most) + 1;
  }

  bootstrap_options options_;
  std::size_t images_;
  std::vector<std::uint32_t> drawn_;  // replicates × images
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
