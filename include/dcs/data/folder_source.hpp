// Images and masks in two folders that nobody has split, ROOT/images and ROOT/masks, as Kvasir-SEG is published (Jha et al., "Kvasir-SEG: a segmented
// polyp dataset", MMM 2020), with its file of boxes where there is one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/conversion.hpp>
#include <dcs/data/folder_files.hpp>
#include <dcs/data/json_numbers.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

DCS_EXACT_MATH
namespace dcs {

/// ROOT/images and ROOT/masks. Masks may be JPEG, as Kvasir-SEG's are, and are written as PNG; objects are connected components, unless `values` says
/// that masks number them. ROOT/kavsir_bboxes.json (so spelled there), where it is, must state each image's size, and lesion outside of its boxes is
/// a warning.
class folder_source final : public conversion_source {
 public:
  /// Throws dcs::error where a folder is missing, an image has no mask or is otherwise wrong as in data/folder.hpp, or the JSON is damaged.
  explicit folder_source(const std::string& root, bool instances = false, io::image_limits limits = {}) : instances_(instances), limits_(limits) {
    const folder_files found = list_folder(root, "");
    if (!found.faults.empty()) fail(who, found.faults[0].text());
    for (const auto& path : found.masks_alone) warn("masks without an image", path, "there is no image of this stem");
    files_ = found.pairs;
    for (const auto& f : files_) images_.push_back({std::filesystem::path(f.name).stem().string()});
    boxes_file_ = (std::filesystem::path(root) / "kavsir_bboxes.json").string();
    if (!std::filesystem::exists(boxes_file_)) return;
    try {
      boxes_ = nlohmann::json::parse(io::read_bytes(boxes_file_, "dcs::folder_source", std::int64_t{1} << 31));
    } catch (const nlohmann::json::exception& e) {
      fail(who, printable(boxes_file_), ": ", e.what());
    }
  }

  const std::vector<split_image>& images() const override { return images_; }

  converted_image read(std::size_t i) const override {
    const image pixels = io::read_image(files_[i].image, limits_);
    converted_image c{
        {}, files_[i].image, instances_ ? io::read_labels(files_[i].mask, limits_) : components(io::read_mask(files_[i].mask, limits_))};
    expect(c.objects.height == pixels.height && c.objects.width == pixels.width, who, printable(files_[i].mask), " is ", c.objects.height, " × ",
           c.objects.width, ", its image ", pixels.height, " × ", pixels.width);
    if (!boxes_.is_null()) check_boxes(c.objects, images_[i].name, files_[i].mask);
    return c;
  }

 private:
  static constexpr const char* who = "dcs::folder_source: ";

  static label_map components(const mask& m) {
    label_map out{m.height, m.width, std::vector<std::int32_t>(m.pixels.size(), 0)};
    std::int32_t number = 1;
    detail::for_each_object(
        m, [&](std::int64_t y, std::int64_t x) { out.at(y, x) = number; }, [&] { ++number; });
    return out;
  }

  // {"NAME": {"height": ..., "width": ..., "bbox": [{"xmin": ..., "ymin": ..., "xmax": ..., "ymax": ...}, ...]}, ...}
  void check_boxes(const label_map& objects, const std::string& name, const std::string& mask_path) const {
    constexpr std::int64_t most_side = std::int64_t{1} << 40;
    try {
      if (!boxes_.contains(name)) return warn("images of which the file of boxes says nothing", mask_path, "has no boxes in " + boxes_file_);
      const auto& entry = boxes_.at(name);
      const std::string where = who + printable(boxes_file_) + ": ";
      const auto height = whole_number(entry.at("height"), 1, most_side, where), width = whole_number(entry.at("width"), 1, most_side, where);
      expect(height == objects.height && width == objects.width, who, printable(boxes_file_), ": ", printable(name), " is ", height, " × ", width,
             "; the image is ", objects.height, " × ", objects.width);
      mask covered{height, width, std::vector<std::uint8_t>(objects.pixels.size(), 0)};
      for (const auto& b : entry.at("bbox")) {
        const auto side = [&](const char* key, std::int64_t most) {
          return std::clamp<std::int64_t>(whole_number(b.at(key), -most_side, most_side, where), 0, most);
        };
        for (std::int64_t y = side("ymin", height); y < std::min(side("ymax", height) + 1, height); ++y)
          for (std::int64_t x = side("xmin", width); x < std::min(side("xmax", width) + 1, width); ++x) covered.at(y, x) = 1;
      }
      std::int64_t outside = 0;
      for (std::size_t p = 0; p < objects.pixels.size(); ++p) outside += objects.pixels[p] != 0 && covered.pixels[p] == 0;
      if (outside > 0) warn("masks with lesion outside of the boxes", mask_path, std::to_string(outside) + " pixels of lesion lie in no box");
    } catch (const nlohmann::json::exception& e) {
      fail(who, printable(boxes_file_), ": ", e.what());
    }
  }

  bool instances_;
  io::image_limits limits_;
  std::string boxes_file_;
  nlohmann::json boxes_;
  std::vector<image_and_mask> files_;
  std::vector<split_image> images_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
