// COCO's annotations of instances (cocodataset.org, "Data format"): polygons, and masks as runs, as numbers or as text.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/conversion.hpp>
#include <dcs/data/json_numbers.hpp>
#include <dcs/image/polygon.hpp>
#include <dcs/io/names.hpp>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// Lengths of runs, background first, down the columns; numbers of 5 bits a character from '0' on, the sixth saying that more follow. The first three
// are lengths themselves; from the fourth on, the text has the difference from the length two before.
inline std::vector<std::int64_t> runs_of_text(const std::string& text) {
  std::vector<std::int64_t> runs;
  for (std::size_t at = 0; at < text.size();) {
    std::int64_t value = 0;
    int shift = 0;
    for (bool more = true; more; shift += 5) {
      expect(at < text.size() && shift < 60, "dcs::coco: the text of a run-length encoding ends within a number");
      const int c = static_cast<unsigned char>(text[at++]) - 48;
      expect(c >= 0 && c < 64, "dcs::coco: the text of a run-length encoding holds character ", c + 48, "; expected 48 to 111");
      value |= std::int64_t{c & 31} << shift;
      more = (c & 32) != 0;
      if (!more && (c & 16) != 0) value -= std::int64_t{1} << (shift + 5);
    }
    runs.push_back(runs.size() > 2 ? value + runs[runs.size() - 2] : value);
    expect(runs.back() >= 0 && runs.back() <= std::int64_t{1} << 40, "dcs::coco: a run of ", runs.back(), " pixels; expected 0 to 2^40");
  }
  return runs;
}

/// The text of runs, which runs_of_text reads back.
inline std::string text_of_runs(const std::vector<std::int64_t>& runs) {
  std::string text;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    std::int64_t value = k > 2 ? runs[k] - runs[k - 2] : runs[k];
    for (bool more = true; more;) {
      const std::int64_t low = value & 31;
      value >>= 5;
      more = (low & 16) != 0 ? value != -1 : value != 0;  // the rest is the sign alone
      text += static_cast<char>(48 + (low | (more ? 32 : 0)));
    }
  }
  return text;
}

/// The runs of objects 1 to `count`, that of number k at k - 1: lengths down the columns, background first. Other numbers are background. One pass
/// over the columns, however many objects there are.
inline std::vector<std::vector<std::int64_t>> runs_of_objects(const label_map& objects, std::int32_t count) {
  std::vector<std::vector<std::int64_t>> runs(static_cast<std::size_t>(count));
  std::vector<std::int64_t> ends(runs.size(), 0);  // of what an object's runs hold so far
  const auto add = [&](std::size_t object, std::int64_t end) { runs[object].push_back(end - ends[object]), ends[object] = end; };
  std::int64_t at = 0;
  std::int32_t inside = 0;
  const auto enter = [&](std::int32_t number) {
    for (const std::int32_t changed : {inside, number})
      if (changed >= 1 && changed <= count) add(static_cast<std::size_t>(changed - 1), at);
    inside = number;
  };
  for (std::int64_t x = 0; x < objects.width; ++x)
    for (std::int64_t y = 0; y < objects.height; ++y, ++at)
      if (const std::int32_t number = objects.at(y, x); number != inside) enter(number);
  for (std::size_t k = 0; k < runs.size(); ++k)
    if (ends[k] < at) add(k, at);
  return runs;
}

/// pixel(y, x) for the foreground of runs; throws dcs::error where they are not all of height × width pixels.
template <class Pixel>
void for_each_pixel_of_runs(const std::vector<std::int64_t>& runs, std::int64_t height, std::int64_t width, const Pixel& pixel) {
  std::int64_t at = 0;
  for (std::size_t k = 0; k < runs.size(); ++k) {
    expect(runs[k] >= 0 && runs[k] <= height * width - at, "dcs::coco: a run of ", runs[k], " pixels at pixel ", at, " of ", height, " × ", width);
    if (k % 2 == 1)
      for (std::int64_t p = at; p < at + runs[k]; ++p) pixel(p % height, p / height);
    at += runs[k];
  }
  expect(at == height * width, "dcs::coco: runs of ", at, " pixels in all; expected ", height, " × ", width);
}

}  // namespace detail

/// The instances of a COCO file with the images that it names. Objects are numbered in the order of the annotations; where two overlap, the later one
/// has the pixels. Crowds count as one object.
class coco_source final : public conversion_source {
 public:
  /// `images`: the folder that file names start from. `classes`: names of the categories that are lesion; empty: all are. Throws dcs::error where the
  /// file is no such JSON, an annotation's image or category is missing, a class is none of its categories, a file's name leaves the folder, or a
  /// file without extension is below a folder with a point in its name (what follows the point would become the extension).
  coco_source(std::string images, const std::string& annotations, const std::vector<std::string>& classes = {}, io::image_limits limits = {})
      : folder_(std::move(images)), who_("dcs::coco: " + printable(annotations) + ": "), limits_(limits) {
    try {
      const auto file = nlohmann::json::parse(io::read_bytes(annotations, "dcs::coco", std::int64_t{1} << 31));
      read_images(file.at("images"));
      const auto wanted = wanted_categories(file.at("categories"), classes);
      for (const auto& a : file.at("annotations")) {
        const std::int64_t image_id = id_at(a, "image_id"), category_id = id_at(a, "category_id");
        const auto image = numbers_.find(image_id);
        expect(image != numbers_.end(), who_, "an annotation of image ", image_id, ", which is none of its images");
        const auto category = wanted.find(category_id);
        expect(category != wanted.end(), who_, "an annotation of category ", category_id, ", which is none of its categories");
        if (category->second) segmentations_[image->second].push_back(a.at("segmentation"));
      }
    } catch (const nlohmann::json::exception& e) {
      fail(who_, e.what());
    }
  }

  const std::vector<split_image>& images() const override { return images_; }

  converted_image read(std::size_t i) const override {
    const std::string path = (std::filesystem::path(folder_) / files_[i].name).string();
    const image pixels = io::read_image(path, limits_);
    expect(pixels.height == files_[i].height && pixels.width == files_[i].width, who_, printable(files_[i].name), " is ", files_[i].height, " × ",
           files_[i].width, "; the image, as it is shown, is ", pixels.height, " × ", pixels.width);
    converted_image c{{}, path, {pixels.height, pixels.width, std::vector<std::int32_t>(static_cast<std::size_t>(pixels.height * pixels.width), 0)}};
    std::int32_t number = 0;
    try {
      for (const auto& s : segmentations_[i]) draw(s, c.objects, ++number);
    } catch (const nlohmann::json::exception& e) {
      fail(who_, "a segmentation of ", printable(files_[i].name), ": ", e.what());
    } catch (const error& e) {
      fail(who_, "a segmentation of ", printable(files_[i].name), ": ", e.what());
    }
    return c;
  }

 private:
  struct file_of_image {
    std::string name;
    std::int64_t height, width;
  };

  std::int64_t id_at(const nlohmann::json& j, const char* key) const {
    return whole_number(j.at(key), -(std::int64_t{1} << 62), std::int64_t{1} << 62, who_ + key + " ");
  }
  std::int64_t extent_at(const nlohmann::json& j, const char* key) const {
    return whole_number(j.at(key), 1, std::int64_t{1} << 40, who_ + key + " ");
  }

  // The file that a name means: the name as it is, or, where only that is a file, what json_name spells so.
  std::string file_of(const std::string& name) const {
    const auto is_file = [&](const std::string& n) { return std::filesystem::exists(std::filesystem::path(folder_) / n); };
    if (name.find('\\') == name.npos || is_file(name)) return name;
    try {
      const std::string spelled = name_of_json(name);
      return is_file(spelled) ? spelled : name;
    } catch (const error&) {  // a backslash of another kind
      return name;
    }
  }
  void read_images(const nlohmann::json& images) {
    for (const auto& i : images) {
      const file_of_image f{file_of(i.at("file_name").get<std::string>()), extent_at(i, "height"), extent_at(i, "width")};
      const std::filesystem::path path = std::filesystem::path(f.name).lexically_normal();
      expect(!f.name.empty() && path.is_relative() && *path.begin() != "..", who_, "the file ", printable(f.name),
             " is not below the images' folder");
      std::string name = path.parent_path().empty() ? path.stem().string() : path.parent_path().string() + "_" + path.stem().string();
      std::replace(name.begin(), name.end(), '/', '_');
      expect(std::filesystem::path(name + path.extension().string()).stem() == name, who_, "the file ", printable(f.name),
             " has no extension, and a folder with a point in its name; expected an extension, or no such point");
      expect(numbers_.emplace(id_at(i, "id"), files_.size()).second, who_, "two images have the id ", id_at(i, "id"));
      files_.push_back(f), images_.push_back({name});
    }
    segmentations_.resize(files_.size());
  }
  // Each category's id, and whether it is lesion.
  std::map<std::int64_t, bool> wanted_categories(const nlohmann::json& categories, const std::vector<std::string>& classes) const {
    std::map<std::int64_t, bool> wanted;
    std::set<std::string> names;
    for (const auto& c : categories) {
      const auto name = c.at("name").get<std::string>();
      names.insert(name);
      wanted[id_at(c, "id")] = classes.empty() || std::find(classes.begin(), classes.end(), name) != classes.end();
    }
    for (const auto& name : classes) expect(names.contains(name), who_, "there is no category ", printable(name));
    return wanted;
  }

  static std::vector<std::int64_t> whole_numbers(const nlohmann::json& list) {
    std::vector<std::int64_t> all;
    for (const auto& v : list) all.push_back(whole_number(v, -(std::int64_t{1} << 62), std::int64_t{1} << 62));
    return all;
  }
  // A list of polygons x, y, x, y, ..., or {"size": [height, width], "counts": numbers or text}.
  static void draw(const nlohmann::json& s, label_map& objects, std::int32_t number) {
    expect(s.is_object() || (s.is_array() && !s.empty()), "it has no outline (a box alone is none); expected polygons or runs");
    const auto mark = [&](std::int64_t y, std::int64_t x) { objects.at(y, x) = number; };
    if (s.is_object()) {
      const auto size = whole_numbers(s.at("size"));
      expect(size == std::vector{objects.height, objects.width}, "its runs are of another size than its image, ", objects.height, " × ",
             objects.width);
      const auto& counts = s.at("counts");
      detail::for_each_pixel_of_runs(counts.is_string() ? detail::runs_of_text(counts.get<std::string>()) : whole_numbers(counts), objects.height,
                                     objects.width, mark);
      return;
    }
    for (const auto& polygon : s) {
      const auto numbers = polygon.get<std::vector<double>>();
      expect(numbers.size() % 2 == 0, "a polygon of ", numbers.size(), " numbers; expected pairs");
      std::vector<polygon_point> corners;
      for (std::size_t k = 0; k < numbers.size(); k += 2) corners.push_back({numbers[k], numbers[k + 1]});
      for_each_pixel_inside(corners, objects.height, objects.width, mark);
    }
  }

  std::string folder_, who_;
  io::image_limits limits_;
  std::vector<file_of_image> files_;
  std::vector<split_image> images_;
  std::map<std::int64_t, std::size_t> numbers_;
  std::vector<std::vector<nlohmann::json>> segmentations_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
