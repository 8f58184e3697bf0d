// YOLO's text files of segments: one file an image, a line an object, "class x y x y ..." with corners as shares of the image's width and height.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/parse.hpp>
#include <dcs/data/conversion.hpp>
#include <dcs/data/folder_files.hpp>
#include <dcs/image/polygon.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

struct yolo_object {
  std::int64_t category = 0;
  std::vector<polygon_point> corners;  // 0 to 1
};

// Throws dcs::error where a line is none of a segment; a box ("class x y width height") has no outline.
inline std::vector<yolo_object> yolo_objects(std::string_view text, const std::string& where) {
  std::vector<yolo_object> objects;
  for (std::int64_t line = 1; !text.empty(); ++line) {
    std::string_view rest = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), rest.size() + 1));
    std::vector<double> numbers;
    yolo_object o;
    for (std::size_t words = 0; !rest.empty();) {
      const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
      std::size_t length = 0;
      while (length < rest.size() && !blank(rest[length])) ++length;
      if (const std::string_view word = rest.substr(0, length); length > 0 && words++ == 0) {
        const auto category = parse_whole(word);
        expect(category.has_value(), where, ", line ", line, ": class ", printable(word), "; expected a whole number");
        o.category = *category;
      } else if (length > 0) {
        const auto number = parse_real(word);
        expect(number && *number >= 0 && *number <= 1, where, ", line ", line, ": ", printable(word), "; expected a share of the image from 0 to 1");
        numbers.push_back(*number);
      }
      rest.remove_prefix(std::min(rest.size(), length + 1));
      if (rest.empty())
        expect(words == 0 || (numbers.size() >= 6 && numbers.size() % 2 == 0), where, ", line ", line, ": ", numbers.size(),
               " numbers after the class; expected x y of at least three corners",
               numbers.size() == 4 ? " (four are a box, which has no outline)" : "");
    }
    if (numbers.empty()) continue;
    for (std::size_t k = 0; k < numbers.size(); k += 2) o.corners.push_back({numbers[k], numbers[k + 1]});
    objects.push_back(o);
  }
  return objects;
}

}  // namespace detail

/// A folder of images with one of text files under the images' stems; an image without a file has no object.
class yolo_source final : public conversion_source {
 public:
  /// `classes`: numbers of the classes that are lesion; empty: all are. Throws dcs::error where a folder is missing, two images have one stem, an
  /// entry is no file, or a text belongs to no image.
  yolo_source(const std::string& images, std::string labels, std::set<std::int64_t> classes = {}, io::image_limits limits = {})
      : labels_(std::move(labels)), classes_(std::move(classes)), limits_(limits) {
    std::vector<file_fault> faults;
    const auto files = detail::files_by_stem(images, faults);
    if (!faults.empty()) fail("dcs::yolo: ", faults[0].text());
    for (const auto& [stem, paths] : files) {
      expect(paths.size() == 1, "dcs::yolo: ", printable(paths[0]), " and ", printable(paths.back()), " have one stem");
      images_.push_back({stem}), files_.push_back(paths[0]);
    }
    expect(std::filesystem::is_directory(labels_), "dcs::yolo: there is no folder ", printable(labels_));
    for (const auto& e : std::filesystem::directory_iterator(labels_))
      expect(e.path().extension() != ".txt" || e.path().stem() == "classes" || files.contains(e.path().stem().string()),
             "dcs::yolo: ", printable(e.path().string()), " belongs to no image in ", printable(images));
  }

  const std::vector<split_image>& images() const override { return images_; }

  converted_image read(std::size_t i) const override {
    const image pixels = io::read_image(files_[i], limits_);
    converted_image c{
        {}, files_[i], {pixels.height, pixels.width, std::vector<std::int32_t>(static_cast<std::size_t>(pixels.height * pixels.width), 0)}};
    const std::string path = (std::filesystem::path(labels_) / (images_[i].name + ".txt")).string();
    if (!std::filesystem::exists(path)) return c;
    std::int32_t number = 0;
    for (auto& o : detail::yolo_objects(io::read_bytes(path, "dcs::yolo", std::int64_t{1} << 28), "dcs::yolo: " + printable(path))) {
      if (!classes_.empty() && !classes_.contains(o.category)) continue;
      for (auto& corner : o.corners) corner.x *= static_cast<double>(pixels.width), corner.y *= static_cast<double>(pixels.height);
      ++number;
      for_each_pixel_inside(o.corners, pixels.height, pixels.width, [&](std::int64_t y, std::int64_t x) { c.objects.at(y, x) = number; });
    }
    return c;
  }

 private:
  std::string labels_;
  std::set<std::int64_t> classes_;
  io::image_limits limits_;
  std::vector<split_image> images_;
  std::vector<std::string> files_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
