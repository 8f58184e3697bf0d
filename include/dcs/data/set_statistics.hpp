// What a data set looks like in numbers: sizes, spacings, intensities, objects. Sums of whole numbers alone, so that the order of images, and the
// number of threads that read them, changes no digit.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/sample.hpp>
#include <dcs/image/image.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// A number with four significant digits.
inline std::string four_digits(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}
// A number with four digits behind the point.
inline std::string four_decimals(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

// "LABEL  count ####", a line for each bin; the longest bar has 40 marks, and a bin that is not empty has one at least.
inline std::string text_histogram(const std::vector<std::pair<std::string, std::int64_t>>& bins) {
  std::int64_t most = 1;
  for (const auto& [label, count] : bins) most = std::max(most, count);
  std::string text;
  for (const auto& [label, count] : bins) {
    char line[64];
    std::snprintf(line, sizeof line, "  %16s %8lld ", label.c_str(), static_cast<long long>(count));
    text += line + std::string(static_cast<std::size_t>((count * 40 + most - 1) / most), '#') + "\n";
  }
  return text;
}

}  // namespace detail

/// Counts over images with their masks; `add` one after the other, or sums of parts.
class set_statistics {
 public:
  /// Adds an image (8 bits, 1 or 3 channels, at its own size) with its mask.
  void add(const image& pixels, const mask& truth, const std::optional<pixel_spacing>& spacing) {
    ++images_, ++sizes_[{pixels.height, pixels.width}];
    grey_ += pixels.channels == 1;
    if (spacing) ++spacings_[{spacing->rows, spacing->columns}];
    for (std::size_t p = 0; p < pixels.pixels.size(); ++p) ++levels_[pixels.channels == 3 ? p % 3 : 0][pixels.pixels[p]];
    if (pixels.channels == 1)  // grey is three channels that agree: levels_of adds these to the other two
      for (const std::uint8_t v : pixels.pixels) ++grey_levels_[v];
    std::int64_t objects = 0, pixels_of_object = 0;
    detail::for_each_object(
        truth, [&](std::int64_t, std::int64_t) { ++pixels_of_object; },
        [&] {
          const double share = static_cast<double>(pixels_of_object) / static_cast<double>(truth.height * truth.width);
          ++object_sides_[std::llround(side_unit * std::sqrt(share))];
          count(object_sizes_, bin_of(std::exchange(pixels_of_object, 0))), ++objects, ++objects_;
        });
    empty_ += objects == 0;
    count(objects_per_image_, static_cast<std::size_t>(std::min<std::int64_t>(objects, most_objects_shown)));
    lesion_pixels_ += truth.count(), pixels_ += truth.height * truth.width;
  }
  void add(const set_statistics& other) {
    images_ += other.images_, grey_ += other.grey_, empty_ += other.empty_, objects_ += other.objects_;
    lesion_pixels_ += other.lesion_pixels_, pixels_ += other.pixels_;
    for (const auto& [size, n] : other.sizes_) sizes_[size] += n;
    for (const auto& [spacing, n] : other.spacings_) spacings_[spacing] += n;
    for (const auto& [side, n] : other.object_sides_) object_sides_[side] += n;
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t v = 0; v < 256; ++v) levels_[c][v] += other.levels_[c][v];
    for (std::size_t v = 0; v < 256; ++v) grey_levels_[v] += other.grey_levels_[v];
    for (std::size_t b = 0; b < other.object_sizes_.size(); ++b) count(object_sizes_, b, other.object_sizes_[b]);
    for (std::size_t b = 0; b < other.objects_per_image_.size(); ++b) count(objects_per_image_, b, other.objects_per_image_[b]);
  }

  std::int64_t images() const { return images_; }
  /// Images whose mask has no lesion.
  std::int64_t empty() const { return empty_; }
  std::int64_t objects() const { return objects_; }
  /// Mean of a channel (0 to 2; of grey images all three agree) over all pixels, 0 to 255; 0 without images.
  double mean(std::size_t channel) const {
    const auto levels = levels_of(channel);
    double sum = 0, n = 0;
    for (std::size_t v = 0; v < 256; ++v) sum += static_cast<double>(v) * static_cast<double>(levels[v]), n += static_cast<double>(levels[v]);
    return n > 0 ? sum / n : 0;
  }
  /// Its standard deviation, √(Σ (v − mean)² / n).
  double deviation(std::size_t channel) const {
    const auto levels = levels_of(channel);
    const double centre = mean(channel);
    double sum = 0, n = 0;
    for (std::size_t v = 0; v < 256; ++v) {
      const double from_centre = static_cast<double>(v) - centre, count_of = static_cast<double>(levels[v]);
      sum += from_centre * from_centre * count_of, n += count_of;
    }
    return n > 0 ? std::sqrt(sum / n) : 0;
  }
  /// The smallest value that at least `percent` % of a channel's pixels do not exceed.
  int percentile(std::size_t channel, double percent) const {
    const auto levels = levels_of(channel);
    std::int64_t n = 0, below = 0;
    for (const std::int64_t l : levels) n += l;
    for (std::size_t v = 0; v < 256; ++v)
      if (below += levels[v]; below > 0 && static_cast<double>(below) >= percent / 100 * static_cast<double>(n)) return static_cast<int>(v);
    return 255;
  }

  /// The side of an object as a share of the image's, √(area / (height · width)), rounded to 1/10000: the smallest that at least `percent` % of the
  /// objects do not exceed; 0 without objects. At S × S pixels the object's side is S times it.
  double object_side(double percent) const { return static_cast<double>(at_percent(object_sides_, percent)) / side_unit; }
  /// The side of an image, √(height · width) in pixels, rounded: the smallest that at least `percent` % of the images do not exceed; 0 without
  /// images.
  std::int64_t image_side(double percent) const {
    std::map<std::int64_t, std::int64_t> sides;
    for (const auto& [size, n] : sizes_) sides[std::llround(std::sqrt(static_cast<double>(size.first) * static_cast<double>(size.second)))] += n;
    return at_percent(sides, percent);
  }

  /// The fingerprint as text: a heading and its numbers on each line, histograms of the objects' sizes and of their number in an image.
  std::string text() const {
    if (images_ == 0) return "images           0\n";
    std::string out = "images           " + std::to_string(images_) + ", " + std::to_string(grey_) + " of them grey\n";
    out += "sizes            " + sizes_text() + "\n";
    out += "spacing          " + spacings_text() + "\n";
    const bool all_grey = grey_ == images_;
    for (std::size_t c = 0; c < (all_grey ? 1u : 3u); ++c) {
      constexpr const char* names[] = {"red", "green", "blue"};
      char line[200];
      std::snprintf(line, sizeof line, "intensity        %s: mean %.2f, deviation %.2f; percentiles 0.5: %d, 5: %d, 50: %d, 95: %d, 99.5: %d\n",
                    all_grey ? "grey" : names[c], mean(c), deviation(c), percentile(c, 0.5), percentile(c, 5), percentile(c, 50), percentile(c, 95),
                    percentile(c, 99.5));
      out += line;
    }
    out += "lesion           " +
           detail::four_decimals(100 * static_cast<double>(lesion_pixels_) / static_cast<double>(std::max<std::int64_t>(pixels_, 1))) +
           " % of the pixels; " + std::to_string(empty_) + " empty masks\n";
    return out + "objects          " + std::to_string(objects_) + "; in an image:\n" + detail::text_histogram(objects_bins()) +
           "objects by their pixels:\n" + detail::text_histogram(size_bins());
  }

 private:
  static constexpr std::int64_t most_objects_shown = 10;
  static constexpr double side_unit = 10000;

  // The smallest value that at least `percent` % do not exceed, of values with their counts; 0 without any.
  static std::int64_t at_percent(const std::map<std::int64_t, std::int64_t>& counts, double percent) {
    std::int64_t n = 0, below = 0;
    for (const auto& [value, count] : counts) n += count;
    for (const auto& [value, count] : counts)
      if (below += count; static_cast<double>(below) >= percent / 100 * static_cast<double>(n)) return value;
    return 0;
  }

  // Bin b holds sizes from 2^b to 2^(b + 1) − 1.
  static std::size_t bin_of(std::int64_t size) { return static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(size))) - 1; }
  static void count(std::vector<std::int64_t>& bins, std::size_t b, std::int64_t n = 1) {
    if (bins.size() <= b) bins.resize(b + 1, 0);
    bins[b] += n;
  }
  std::array<std::int64_t, 256> levels_of(std::size_t channel) const {
    auto levels = levels_[channel];
    if (channel > 0)
      for (std::size_t v = 0; v < 256; ++v) levels[v] += grey_levels_[v];
    return levels;
  }
  std::string sizes_text() const {
    std::vector<std::pair<std::int64_t, std::pair<std::int64_t, std::int64_t>>> by_count;
    for (const auto& [size, n] : sizes_) by_count.emplace_back(-n, size);
    std::sort(by_count.begin(), by_count.end());
    std::string out;
    constexpr std::size_t most_shown = 5;
    for (std::size_t k = 0; k < std::min(by_count.size(), most_shown); ++k)
      out += (k > 0 ? ", " : "") + std::to_string(by_count[k].second.first) + " × " + std::to_string(by_count[k].second.second) + " (" +
             std::to_string(-by_count[k].first) + ")";
    return by_count.size() > most_shown ? out + " and " + std::to_string(by_count.size() - most_shown) + " others" : out;
  }
  std::string spacings_text() const {
    if (spacings_.empty()) return "not known";
    std::int64_t known = 0;
    double least = 1e9, greatest = 0;
    for (const auto& [s, n] : spacings_) known += n, least = std::min({least, s.first, s.second}), greatest = std::max({greatest, s.first, s.second});
    return detail::four_digits(least) + " to " + detail::four_digits(greatest) + " mm, known of " + std::to_string(known) + " images";
  }
  std::vector<std::pair<std::string, std::int64_t>> objects_bins() const {
    std::vector<std::pair<std::string, std::int64_t>> bins;
    for (std::size_t b = 0; b < objects_per_image_.size(); ++b)
      bins.emplace_back(std::to_string(b) + (b == most_objects_shown ? " or more" : ""), objects_per_image_[b]);
    return bins;
  }
  std::vector<std::pair<std::string, std::int64_t>> size_bins() const {
    std::vector<std::pair<std::string, std::int64_t>> bins;
    for (std::size_t b = 0; b < object_sizes_.size(); ++b) {
      const std::int64_t first = std::int64_t{1} << b;
      bins.emplace_back(b == 0 ? "1" : std::to_string(first) + " to " + std::to_string(2 * first - 1), object_sizes_[b]);
    }
    return bins;
  }

  std::int64_t images_ = 0, grey_ = 0, empty_ = 0, objects_ = 0, lesion_pixels_ = 0, pixels_ = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> sizes_;
  std::map<std::pair<double, double>, std::int64_t> spacings_;
  std::map<std::int64_t, std::int64_t> object_sides_;      // in 1/10000 of the image's side
  std::array<std::array<std::int64_t, 256>, 3> levels_{};  // grey images count in the first alone
  std::array<std::int64_t, 256> grey_levels_{};
  std::vector<std::int64_t> object_sizes_, objects_per_image_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
