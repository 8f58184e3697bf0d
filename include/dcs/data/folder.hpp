// A data set in folders: SET/{train,val,test}/{images,masks}/NAME, PNG, JPEG or TIFF; a mask has its image's stem, with any extension. Images are
// read on demand, by several threads ahead of the training loop; the result does not depend on the order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/folder_files.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/data/spacing.hpp>
#include <dcs/image/image.hpp>
#include <dcs/io/image.hpp>

#include <utility>

DCS_EXACT_MATH
namespace dcs {

/// What the values of a mask's file say besides where there is lesion: nothing, objects being connected components; or which pixels are one object.
enum class mask_values { lesion, objects };

/// What becomes of files that are wrong: the whole set is refused, or all others are used and `left_out` lists them.
enum class wrong_files { refuse, skip };

/// One split of a folder.
///
/// A mask is its image's size, and both are resized by one map (image/resize.hpp). A warning (core/warning.hpp) names files with objects of which
/// object_boxes makes no box at the asked size, and masks that belong to no image; the training loop counts them.
class folder_dataset {
 public:
  /// `side`: pixels that images are resized to, both ways. `values`: what the masks' values say (see docs/your-data.md). Hidden files are passed
  /// over. SET/spacing.csv, where it is, gives samples their spacing (data/spacing.hpp).
  ///
  /// Throws dcs::error where a folder is missing or empty, an image has no mask or more than one, two images have one stem (they would have one
  /// mask, and results of one name), or an entry is no regular file: a folder, a FIFO, a broken link. With wrong_files::skip these files, and those
  /// that cannot be read (each is read once to know), are left out; an error is then only where no image is left.
  folder_dataset(const std::string& root, const std::string& split, std::int64_t side, io::image_limits limits = {},
                 mask_values values = mask_values::lesion, wrong_files wrong = wrong_files::refuse)
      : side_(side), limits_(limits), values_(values), spacings_(read_spacing(root)) {
    const folder_files found = list_folder(root, split);
    if (wrong == wrong_files::refuse && !found.faults.empty()) fail(who, found.faults[0].text());
    entries_ = found.pairs, left_out_ = found.faults;
    const std::string images = (std::filesystem::path(root) / split / "images").string();
    for (const auto& path : found.masks_alone) warn("masks without an image", path, "there is no image of this stem in " + images);
    if (wrong == wrong_files::skip) leave_out_unreadable();
    expect(!entries_.empty(), who, printable(images), left_out_.empty() ? " holds no image" : " holds no image that can be used");
  }

  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  /// The same images at another size.
  folder_dataset at_side(std::int64_t side) const {
    folder_dataset d = *this;
    d.side_ = side;
    return d;
  }
  /// The same images, of which samples keep the mask at its own size where a side of it is larger than the asked one, else at the asked one: objects
  /// are then found there, and networks that learn regions crop their targets from it, of all images by one rule.
  folder_dataset keeping_native_masks() const {
    folder_dataset d = *this;
    d.native_ = true;
    return d;
  }
  const std::string& name(std::int64_t i) const { return entries_[static_cast<std::size_t>(i)].name; }
  const std::string& path(std::int64_t i) const { return entries_[static_cast<std::size_t>(i)].image; }

  /// Files that wrong_files::skip left out, and why.
  const std::vector<file_fault>& left_out() const { return left_out_; }

  /// Image `i` and its mask. Throws dcs::error where either cannot be read or their sizes differ.
  sample load(std::int64_t i) const {
    const auto& e = entries_[static_cast<std::size_t>(i)];
    const image pixels = io::read_image(e.image, limits_);
    sample s{e.name, {}, {}, pixels.height, pixels.width};
    s.spacing = find_spacing(spacings_, e.name);
    const auto resized = [&](const auto& stored) {
      expect(stored.height == pixels.height && stored.width == pixels.width, who, printable(e.mask), " is ", stored.height, " × ", stored.width,
             ", its image ", pixels.height, " × ", pixels.width);
      return resize(stored, side_, side_);
    };
    const bool keep = native_ && (pixels.height > side_ || pixels.width > side_);
    if (values_ == mask_values::objects) {
      label_map stored = io::read_labels(e.mask, limits_);
      s.objects = resized(stored), s.truth = foreground(s.objects);
      if (keep) s.native.truth = foreground(stored), s.native.objects = std::move(stored);
    } else {
      mask stored = native_truth(i);
      s.truth = resized(stored);
      if (keep) s.native.truth = std::move(stored);
    }
    if (native_ && !keep) s.native = {s.truth, s.objects};
    s.pixels = resize(pixels, side_, side_);
    if (const std::int64_t small = objects_without_box(s); small > 0) {
      const std::string size = keep ? "their own size" : std::to_string(side_) + " × " + std::to_string(side_);
      warn("masks with objects under " + std::to_string(smallest_object) + " pixels at " + size + ", which get no box: no network is trained on them",
           e.mask, "objects under " + std::to_string(smallest_object) + " pixels at " + size + ": " + std::to_string(small));
    }
    return s;
  }
  /// The mask at its own size.
  mask native_truth(std::int64_t i) const { return io::read_mask(entries_[static_cast<std::size_t>(i)].mask, limits_); }

 private:
  static constexpr const char* who = "dcs::folder_dataset: ";

  void leave_out_unreadable() {
    std::vector<std::string> reasons(entries_.size());
    cpu::parallel_for(size(), [&](std::int64_t i) {
      try {
        (void)load(i);
      } catch (const error& e) {
        reasons[static_cast<std::size_t>(i)] = e.what();
      }
    });
    std::vector<image_and_mask> good;
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (reasons[i].empty())
        good.push_back(entries_[i]);
      else
        left_out_.push_back({entries_[i].image, "cannot be used: " + reasons[i], ""});
    entries_ = std::move(good);
  }

  std::int64_t side_;
  io::image_limits limits_;
  mask_values values_;
  bool native_ = false;
  spacing_table spacings_;
  std::vector<image_and_mask> entries_;
  std::vector<file_fault> left_out_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
