// Volumes as slices: a slice along an axis is an image, its grey a window of the volume's values, its mask the slice of a volume of labels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/conversion.hpp>
#include <dcs/io/nifti.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

struct volume_options {
  int axis = 2;                                ///< that slices lie along
  std::vector<double> window{};                ///< centre and width of the values that become 0 to 255; empty: by percentiles
  std::vector<double> percentiles{0.5, 99.5};  ///< of the volume's values that become 0 and 255
  bool lesions_only = false;                   ///< slices without lesion are left out
};

/// The values that become 0 and 255.
struct value_range {
  double low = 0, high = 1;
};

/// The range of a volume's grey, whose values are finite: centre ∓ width / 2, or the percentiles of all its voxels (the value at rank ⌊p / 100 · (n −
/// 1)⌋). Throws dcs::error where the options are no such numbers.
inline value_range range_of(const io::volume& v, const volume_options& o) {
  if (!o.window.empty()) {
    expect(o.window.size() == 2 && o.window[1] > 0, "dcs::volumes: a window needs its centre and a width above 0");
    const value_range window{o.window[0] - o.window[1] / 2, o.window[0] + o.window[1] / 2};
    expect(is_finite(window.low) && is_finite(window.high), "dcs::volumes: a window of ", o.window[0], ", ", o.window[1],
           "; expected finite numbers");
    return window;
  }
  expect(o.percentiles.size() == 2 && o.percentiles[0] >= 0 && o.percentiles[0] < o.percentiles[1] && o.percentiles[1] <= 100,
         "dcs::volumes: expected two percentiles from 0 to 100, the first below the second");
  std::vector<float> sorted = v.values;
  const auto at = [&](double percent) {
    const auto rank = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
    return static_cast<double>(sorted[static_cast<std::size_t>(rank)]);
  };
  return {at(o.percentiles[0]), at(o.percentiles[1])};
}

namespace detail {

// Of a slice along an axis: the axis down its rows, and that along its columns, which is the lower one.
constexpr std::pair<std::size_t, std::size_t> axes_of_slice(int axis) {
  return axis == 0   ? std::pair<std::size_t, std::size_t>{2, 1}
         : axis == 1 ? std::pair<std::size_t, std::size_t>{2, 0}
                     : std::pair<std::size_t, std::size_t>{1, 0};
}

}  // namespace detail

/// pixel(y, x, voxel) for each pixel of slice `at` along an axis, rows from the top: `voxel` is its index in volume::values.
template <class Pixel>
void for_each_voxel_of_slice(const io::volume& v, int axis, std::int64_t at, const Pixel& pixel) {
  const auto [down, across] = detail::axes_of_slice(axis);
  std::array<std::int64_t, 3> index{};
  index[static_cast<std::size_t>(axis)] = at;
  for (std::int64_t y = 0; y < v.extents[down]; ++y)
    for (std::int64_t x = 0; x < v.extents[across]; ++x) {
      index[down] = y, index[across] = x;
      pixel(y, x, static_cast<std::size_t>(v.index(index[0], index[1], index[2])));
    }
}

/// The spacing of the pixels of slices along an axis. A file states 0 where it does not know; what is beyond a set's spacings (most_spacing) is no
/// pixel's size either.
inline std::optional<pixel_spacing> spacing_of_slices(const io::volume& v, int axis) {
  const auto [down, across] = detail::axes_of_slice(axis);
  const auto known = [](double mm) { return mm > 0 && mm <= most_spacing; };
  return known(v.spacing[down]) && known(v.spacing[across]) ? std::optional(pixel_spacing{v.spacing[down], v.spacing[across]}) : std::nullopt;
}

/// A slice of finite values as grey of 8 bits: `range` becomes 0 to 255, rounded, what is beyond is clipped.
inline image grey_slice(const io::volume& v, int axis, std::int64_t at, const value_range& range) {
  const auto [down, across] = detail::axes_of_slice(axis);
  image out{v.extents[down], v.extents[across], 1, {}};
  const double steepest = range.high > range.low ? 255 / (range.high - range.low) : 0;
  const double scale = is_finite(steepest) ? steepest : 0;  // 0 · ∞ would be no number
  for_each_voxel_of_slice(v, axis, at, [&](std::int64_t, std::int64_t, std::size_t voxel) {
    out.pixels.push_back(static_cast<std::uint8_t>(std::clamp((static_cast<double>(v.values[voxel]) - range.low) * scale, 0.0, 255.0) + 0.5));
  });
  return out;
}

/// A slice of a volume of labels: objects are the labels of `wanted`, or all that are not 0 where it is empty, numbered as they are. Throws
/// dcs::error where a label is no whole number from 0 to 65535.
inline label_map label_slice(const io::volume& v, int axis, std::int64_t at, const std::set<std::int64_t>& wanted) {
  const auto [down, across] = detail::axes_of_slice(axis);
  label_map out{v.extents[down], v.extents[across]};
  for_each_voxel_of_slice(v, axis, at, [&](std::int64_t, std::int64_t, std::size_t voxel) {
    const float value = v.values[voxel];
    const auto label = static_cast<std::int32_t>(std::clamp(value, -1.0f, 65536.0f));
    expect(label >= 0 && label <= 65535 && static_cast<float>(label) == value, "dcs::volumes: a label of ", value,
           "; expected whole numbers from 0 to 65535");
    out.pixels.push_back(wanted.empty() || wanted.contains(label) ? label : 0);
  });
  return out;
}

/// A volume of finite values with the labels of its voxels, and the values that become 0 and 255.
struct labelled_volume {
  io::volume values, labels;
  value_range range;
};

/// Volumes whose slices along an axis are the images: slices NAME_0000, NAME_0001, ... of a volume NAME. A format lists its volumes with
/// add_volume(), in its constructor, and reads one by its number. Volumes are read one at a time.
class volume_source : public conversion_source {
 public:
  const std::vector<split_image>& images() const override { return images_; }

  converted_image read(std::size_t i) const override {
    const auto [number, at] = slices_[i];
    const std::shared_ptr<const labelled_volume> v = volume(number);
    return {grey_slice(v->values, options_.axis, at, v->range),
            {},
            label_slice(v->labels, options_.axis, at, wanted_),
            spacing_of_slices(v->values, options_.axis)};
  }

 protected:
  /// `wanted`: the labels that are lesion; all where it is empty.
  volume_source(volume_options options, std::set<std::int64_t> wanted) : options_(std::move(options)), wanted_(std::move(wanted)) {}

  /// Lists the slices of the next volume, which are of one series; it is read where slices without lesion are to be left out.
  void add_volume(const std::string& name, const std::string& series, const std::array<std::int64_t, 3>& extents) {
    const std::size_t number = volumes_++;
    std::shared_ptr<const labelled_volume> read;
    if (options_.lesions_only) read = volume(number);
    for (std::int64_t at = 0; at < extents[static_cast<std::size_t>(options_.axis)]; ++at) {
      if (read && label_slice(read->labels, options_.axis, at, wanted_).objects() == 0) continue;
      char end[24];
      std::snprintf(end, sizeof end, "_%04lld", static_cast<long long>(at));
      images_.push_back({name + end, series}), slices_.emplace_back(number, at);
    }
  }
  const volume_options& options() const { return options_; }

 private:
  /// Volume `number`, in the order of add_volume(); called by one thread at a time.
  virtual labelled_volume read_volume(std::size_t number) const = 0;

  // The volume of this number: the last one that was read, as slices are asked for in their order, or read now.
  std::shared_ptr<const labelled_volume> volume(std::size_t number) const {
    const std::lock_guard lock(reading_);
    if (last_ && last_number_ == number) return last_;
    last_.reset();
    last_ = std::make_shared<const labelled_volume>(read_volume(number)), last_number_ = number;
    return last_;
  }

  volume_options options_;
  std::set<std::int64_t> wanted_;
  std::size_t volumes_ = 0;
  std::vector<split_image> images_;
  std::vector<std::pair<std::size_t, std::int64_t>> slices_;
  mutable std::mutex reading_;
  mutable std::shared_ptr<const labelled_volume> last_;
  mutable std::size_t last_number_ = 0;
};

/// NIfTI volumes with volumes of labels of the same names: a volume's slices are a series.
class nifti_source final : public volume_source {
 public:
  /// `images`, `labels`: a file each, or folders with files NAME.nii or NAME.nii.gz. Throws dcs::error where one is missing, a volume has no labels,
  /// or labels of other extents.
  nifti_source(const std::string& images, const std::string& labels, volume_options options, std::set<std::int64_t> wanted = {})
      : volume_source(std::move(options), std::move(wanted)) {
    namespace fs = std::filesystem;
    if (fs::is_directory(images)) {
      for (const auto& e : fs::directory_iterator(images))
        if (const std::string name = e.path().filename().string(); name.front() != '.' && !stem(name).empty())
          volumes_.push_back({e.path().string(), labels_of(labels, stem(name)), stem(name)});
      std::sort(volumes_.begin(), volumes_.end(), [](const entry& a, const entry& b) { return a.name < b.name; });
      expect(!volumes_.empty(), "dcs::volumes: ", printable(images), " holds no file NAME.nii or NAME.nii.gz");
    } else {
      const std::string name = stem(fs::path(images).filename().string());
      expect(!name.empty(), "dcs::volumes: ", printable(images), ": expected a file NAME.nii or NAME.nii.gz, or a folder of them");
      volumes_.push_back({images, labels, name});
    }
    for (const entry& e : volumes_) {
      const io::nifti_header h = io::read_nifti_header(e.path), stated = io::read_nifti_header(e.labels);
      expect(h.extents == stated.extents, "dcs::volumes: ", printable(e.labels), " is ", stated.extents[0], " × ", stated.extents[1], " × ",
             stated.extents[2], ", its image ", h.extents[0], " × ", h.extents[1], " × ", h.extents[2]);
      add_volume(e.name, e.name, h.extents);
    }
  }

 private:
  struct entry {
    std::string path, labels, name;
  };

  static std::string stem(const std::string& name) {
    for (const std::string end : {".nii.gz", ".nii"})
      if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
    return {};
  }
  static std::string labels_of(const std::string& folder, const std::string& name) {
    for (const char* end : {".nii.gz", ".nii"})
      if (const auto path = std::filesystem::path(folder) / (name + end); std::filesystem::exists(path)) return path.string();
    fail("dcs::volumes: ", printable(name), " has no labels in ", printable(folder), "; expected ", printable(name), ".nii or .nii.gz there");
  }

  labelled_volume read_volume(std::size_t number) const override {
    labelled_volume v{io::read_nifti(volumes_[number].path), io::read_nifti(volumes_[number].labels), {}};
    v.range = range_of(v.values, options());
    return v;
  }

  std::vector<entry> volumes_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
