// A data set in folders: SET/{train,val,test}/{images,masks}/NAME, PNG or JPEG; a mask has its image's name, perhaps with another extension. Images
// are read when they are asked for, by several threads ahead of the training loop; what they are does not depend on when.
#pragma once

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/io/image.hpp>

#include <filesystem>

namespace dcs {

/// One split of a folder. Throws dcs::error where the folder, an image's mask or any image is missing.
class folder_dataset {
 public:
  folder_dataset(const std::string& root, const std::string& split, std::int64_t side) : side_(side) {
    namespace fs = std::filesystem;
    const fs::path images = fs::path(root) / split / "images", masks = fs::path(root) / split / "masks";
    expect(fs::is_directory(images), "dcs::folder_dataset: there is no folder ", images.string());
    expect(fs::is_directory(masks), "dcs::folder_dataset: there is no folder ", masks.string());
    for (const auto& e : fs::directory_iterator(images)) {
      if (!e.is_regular_file() || e.path().filename().string().front() == '.') continue;  // systems leave hidden files behind
      entry x{e.path().string(), "", e.path().filename().string()};
      for (const auto& extension : {e.path().extension().string(), std::string(".png"), std::string(".PNG"), std::string(".jpg"), std::string(".JPG"),
                                    std::string(".jpeg"), std::string(".JPEG")})
        if (const auto m = masks / (e.path().stem().string() + extension); x.mask.empty() && fs::exists(m)) x.mask = m.string();
      expect(!x.mask.empty(), "dcs::folder_dataset: ", e.path().string(), " has no mask in ", masks.string());
      entries_.push_back(x);
    }
    expect(!entries_.empty(), "dcs::folder_dataset: ", images.string(), " holds no image");
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

  sample load(std::int64_t i) const {
    const auto& e = entries_[static_cast<std::size_t>(i)];
    const image pixels = io::read_image(e.image), stored = io::read_image(e.mask);
    expect(stored.height == pixels.height && stored.width == pixels.width, "dcs::folder_dataset: ", e.mask, " is ", stored.height, " × ",
           stored.width, ", its image ", pixels.height, " × ", pixels.width);
    return {e.name, resize(to_float(pixels), side_, side_), resize(foreground(e.mask, stored), side_, side_), pixels.height, pixels.width};
  }
  /// The mask at its own size.
  mask native_truth(std::int64_t i) const {
    const auto& e = entries_[static_cast<std::size_t>(i)];
    return foreground(e.mask, io::read_image(e.mask));
  }

 private:
  struct entry {
    std::string image, mask, name;
  };
  // JPEG smears a mask's values around its edges.
  static mask foreground(const std::string& path, const image& stored) { return to_mask(stored, io::is_jpeg(path) ? 127 : 0); }

  std::int64_t side_;
  std::vector<entry> entries_;
};

}  // namespace dcs
