// A data set in folders: SET/{train,val,test}/{images,masks}/NAME, PNG or JPEG; a mask has its image's stem, with any extension. Images are read on
// demand, by several threads ahead of the training loop; the result does not depend on the order.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/image/image.hpp>
#include <dcs/io/image.hpp>

#include <filesystem>
#include <map>

DCS_EXACT_MATH
namespace dcs {

/// What the values of a mask's file say besides where there is lesion: nothing, objects being connected components; or which pixels are one object.
enum class mask_values { lesion, objects };

/// One split of a folder.
///
/// A mask is its image's size, and both are resized by one map (image/resize.hpp). A warning (core/warning.hpp) names files with objects of which
/// object_boxes makes no box at the asked size, and masks that belong to no image; the training loop counts them.
class folder_dataset {
 public:
  /// `side`: pixels that images are resized to, both ways. `values`: what the masks' values say (see docs/your-data.md). Hidden files are passed
  /// over. Throws dcs::error where a folder is missing or empty, an image has no mask or more than one, two images have one stem (they would have one
  /// mask, and results of one name), or an entry is no regular file: a folder, a FIFO, a broken link.
  folder_dataset(const std::string& root, const std::string& split, std::int64_t side, io::image_limits limits = {},
                 mask_values values = mask_values::lesion)
      : side_(side), limits_(limits), values_(values) {
    namespace fs = std::filesystem;
    const fs::path images = fs::path(root) / split / "images", masks = fs::path(root) / split / "masks";
    const auto images_of = files_of(images), masks_of = files_of(masks);
    auto left = masks_of;
    for (const auto& [stem, files] : images_of) {
      expect(files.size() == 1, who, printable(files[0]), " and ", printable(files.back()), " have one stem: a mask could be either's");
      const auto found = masks_of.find(stem);
      expect(found != masks_of.end(), who, printable(files[0]), " has no mask in ", printable(masks.string()));
      expect(found->second.size() == 1, who, printable(files[0]), " has two masks, ", printable(found->second[0]), " and ",
             printable(found->second.back()));
      entries_.push_back({files[0], found->second[0], fs::path(files[0]).filename().string()});
      left.erase(stem);
    }
    expect(!entries_.empty(), who, printable(images.string()), " holds no image");
    for (const auto& [stem, files] : left) warn("masks without an image", files[0], "there is no image of this stem in " + images.string());
    std::sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) { return a.name < b.name; });
  }

  std::int64_t size() const { return static_cast<std::int64_t>(entries_.size()); }
  /// The same images at another size.
  folder_dataset at_side(std::int64_t side) const {
    folder_dataset d = *this;
    d.side_ = side;
    return d;
  }
  const std::string& name(std::int64_t i) const { return entries_[static_cast<std::size_t>(i)].name; }
  const std::string& path(std::int64_t i) const { return entries_[static_cast<std::size_t>(i)].image; }

  /// Image `i` and its mask. Throws dcs::error where either cannot be read or their sizes differ.
  sample load(std::int64_t i) const {
    const auto& e = entries_[static_cast<std::size_t>(i)];
    const image pixels = io::read_image(e.image, limits_);
    sample s{e.name, {}, {}, pixels.height, pixels.width};
    const auto resized = [&](const auto& stored) {
      expect(stored.height == pixels.height && stored.width == pixels.width, who, printable(e.mask), " is ", stored.height, " × ", stored.width,
             ", its image ", pixels.height, " × ", pixels.width);
      return resize(stored, side_, side_);
    };
    if (values_ == mask_values::objects)
      s.objects = resized(io::read_labels(e.mask, limits_)), s.truth = foreground(s.objects);
    else
      s.truth = resized(native_truth(i));
    s.pixels = resize(pixels, side_, side_);
    if (const std::int64_t small = objects_without_box(s); small > 0) {
      const std::string size = std::to_string(side_) + " × " + std::to_string(side_);
      warn("masks with objects under " + std::to_string(smallest_object) + " pixels at " + size + ", which get no box: no network is trained on them",
           e.mask, "objects under " + std::to_string(smallest_object) + " pixels at " + size + ": " + std::to_string(small));
    }
    return s;
  }
  /// The mask at its own size.
  mask native_truth(std::int64_t i) const { return io::read_mask(entries_[static_cast<std::size_t>(i)].mask, limits_); }

 private:
  struct entry {
    std::string image, mask, name;
  };
  static constexpr const char* who = "dcs::folder_dataset: ";

  // Files by stem.
  static std::map<std::string, std::vector<std::string>> files_of(const std::filesystem::path& folder) {
    namespace fs = std::filesystem;
    expect(fs::is_directory(folder), who, "there is no folder ", printable(folder.string()));
    std::map<std::string, std::vector<std::string>> files;
    for (const auto& e : fs::directory_iterator(folder)) {
      if (e.path().filename().string().front() == '.') continue;  // systems leave hidden files behind
      std::error_code failed;
      const fs::file_status status = e.status(failed);
      const std::string path = e.path().string();
      expect(status.type() != fs::file_type::not_found, who, printable(path), " is a link to nothing");
      expect(!failed, who, "cannot examine ", printable(path), ": ", failed.message());
      expect(fs::is_regular_file(status), who, printable(path), " is ", fs::is_directory(status) ? "a folder" : "a FIFO, socket or device",
             "; expected images alone in ", printable(folder.string()));
      files[e.path().stem().string()].push_back(path);
    }
    for (auto& [stem, paths] : files) std::sort(paths.begin(), paths.end());
    return files;
  }

  std::int64_t side_;
  io::image_limits limits_;
  mask_values values_;
  std::vector<entry> entries_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
