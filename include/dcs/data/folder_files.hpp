// The files of a split, SET/SPLIT/{images,masks}/NAME: which image has which mask, and what is wrong with the others.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// What is wrong with a file of a set, and what was expected of it.
struct file_fault {
  std::string path, what, expected;
  /// "PATH WHAT; expected EXPECTED", safe to show on a terminal.
  std::string text() const { return printable(path) + " " + what + (expected.empty() ? "" : "; expected " + expected); }
};

/// An image with its mask; `name` is the image's file name.
struct image_and_mask {
  std::string image, mask, name;
};

/// What a split's folders hold: pairs in the order of their names, what is wrong with files that are in no pair, and masks that no image has.
struct folder_files {
  std::vector<image_and_mask> pairs;
  std::vector<file_fault> faults;
  std::vector<std::string> masks_alone;
};

namespace detail {

// Files by stem. Hidden ones are passed over, as systems leave them behind; what is no regular file is a fault.
inline std::map<std::string, std::vector<std::string>> files_by_stem(const std::filesystem::path& folder, std::vector<file_fault>& faults) {
  namespace fs = std::filesystem;
  expect(fs::is_directory(folder), "dcs::folder_dataset: there is no folder ", printable(folder.string()));
  std::map<std::string, std::vector<std::string>> files;
  for (const auto& e : fs::directory_iterator(folder)) {
    if (e.path().filename().string().front() == '.') continue;
    std::error_code failed;
    const fs::file_status status = e.status(failed);
    const std::string path = e.path().string();
    if (status.type() == fs::file_type::not_found)
      faults.push_back({path, "is a link to nothing", "a file"});
    else if (failed)
      faults.push_back({path, "cannot be examined: " + failed.message(), "a file"});
    else if (!fs::is_regular_file(status))
      faults.push_back(
          {path, fs::is_directory(status) ? "is a folder" : "is a FIFO, socket or device", "images alone in " + printable(folder.string())});
    else
      files[e.path().stem().string()].push_back(path);
  }
  for (auto& [stem, paths] : files) std::sort(paths.begin(), paths.end());
  std::sort(faults.begin(), faults.end(), [](const file_fault& a, const file_fault& b) { return a.path < b.path; });
  return files;
}

}  // namespace detail

/// Lists SET/SPLIT. A mask has its image's stem, with any extension. Throws dcs::error where images/ or masks/ is no folder.
inline folder_files list_folder(const std::string& set, const std::string& split) {
  namespace fs = std::filesystem;
  const fs::path images = fs::path(set) / split / "images", masks = fs::path(set) / split / "masks";
  folder_files found;
  const auto images_of = detail::files_by_stem(images, found.faults);
  std::vector<file_fault> mask_faults;
  const auto masks_of = detail::files_by_stem(masks, mask_faults);
  found.faults.insert(found.faults.end(), mask_faults.begin(), mask_faults.end());
  for (const auto& [stem, files] : images_of) {
    const auto mask = masks_of.find(stem);
    if (files.size() > 1)
      found.faults.push_back({files[0], "and " + printable(files.back()) + " have one stem: a mask could be either's", "one image of a stem"});
    else if (mask == masks_of.end())
      found.faults.push_back({files[0], "has no mask in " + printable(masks.string()), "one with the image's name up to the extension"});
    else if (mask->second.size() > 1)
      found.faults.push_back({files[0], "has two masks, " + printable(mask->second[0]) + " and " + printable(mask->second.back()), "one"});
    else
      found.pairs.push_back({files[0], mask->second[0], fs::path(files[0]).filename().string()});
  }
  for (const auto& [stem, files] : masks_of)
    if (!images_of.contains(stem)) found.masks_alone.insert(found.masks_alone.end(), files.begin(), files.end());
  std::sort(found.pairs.begin(), found.pairs.end(), [](const image_and_mask& a, const image_and_mask& b) { return a.name < b.name; });
  return found;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
