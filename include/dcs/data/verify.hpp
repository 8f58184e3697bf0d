// Looks for what is wrong with a data set in folders, before anybody trains on it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/fingerprint.hpp>
#include <dcs/data/folder_files.hpp>
#include <dcs/data/groups.hpp>
#include <dcs/data/set_statistics.hpp>
#include <dcs/data/spacing.hpp>
#include <dcs/image/perceptual_hash.hpp>
#include <dcs/io/image.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

struct verify_options {
  int labels = 0;                    ///< masks may hold the values 0 to `labels`; 0: only 0 and 1, or 0 and the largest value
  int near = 2;                      ///< hashes of at most this distance (0 to 64) are copies of one picture; -1: equal pixels alone
  std::optional<group_rule> groups;  ///< which images belong together
  io::image_limits limits;
};

/// An image of a set as it was found; `usable` where it and its mask can be read and have one size.
struct verified_image {
  std::string split;
  image_and_mask files;
  bool readable = false, usable = false;
  std::uint64_t content = 0;  ///< of its pixels, FNV-1a
  std::uint64_t hash = 0;     ///< perceptual_hash; 0 where the image has one value only
};

struct verification {
  std::vector<verified_image> images;
  std::vector<file_fault> faults;
  std::vector<std::string> notes;  ///< what is worth knowing and no fault
  set_statistics statistics;       ///< of usable images
};

namespace detail {

inline std::uint64_t content_of(const image& i) {
  fnv1a hash;
  hash.add(std::to_string(i.height) + " " + std::to_string(i.width) + " " + std::to_string(i.channels) + " ");
  hash.add({reinterpret_cast<const char*>(i.pixels.data()), i.pixels.size()});
  return hash.value();
}

inline std::string grey_list(const std::set<std::int64_t>& values) {
  std::string out;
  std::size_t shown = 0;
  for (const std::int64_t v : values) {
    if (++shown > 8) return out + " and " + std::to_string(values.size() - 8) + " more";
    out += (out.empty() ? "" : ", ") + std::to_string(v);
  }
  return out;
}

// Whether the values of a mask are those of lesion and background, or of declared labels. One colour on black is lesion too.
inline std::optional<file_fault> wrong_labels(const std::string& path, const io::stored_values& found, int labels) {
  const auto all_in = [&](auto allowed) { return std::all_of(found.grey.begin(), found.grey.end(), allowed); };
  const bool binary = all_in([](std::int64_t v) { return v <= 1; }) || all_in([](std::int64_t v) { return v == 0 || v == 255; }) ||
                      all_in([&](std::int64_t v) { return v == 0 || v == found.most; });
  const bool one_colour = found.colours == 1 && all_in([](std::int64_t v) { return v == 0; });
  if (!found.many && ((binary && found.colours == 0) || one_colour)) return std::nullopt;
  if (!found.many && labels > 0 && found.colours == 0 && all_in([&](std::int64_t v) { return v <= labels; })) return std::nullopt;
  std::string what = "holds " + (found.many ? "more than 65535 values besides 0" : "the values " + grey_list(found.grey));
  if (found.colours > 0) what += " and " + std::to_string(found.colours) + (found.colours == 1 ? " colour" : " colours");
  return file_fault{path, what, labels > 0 ? "0 to " + std::to_string(labels) : "0 and 1, or 0 and 255 (--labels N declares labels from 0 to N)"};
}

// Reads an image with its mask; what is wrong with them, or nothing, in which case they are counted.
inline std::vector<file_fault> check_image(verified_image& v, const verify_options& o, const std::optional<pixel_spacing>& spacing,
                                           set_statistics& counted) {
  image pixels;
  try {
    pixels = io::read_image(v.files.image, o.limits);
  } catch (const error& e) {
    return {{v.files.image, std::string("cannot be read: ") + e.what(), "an image"}};
  }
  v.readable = true, v.content = content_of(pixels), v.hash = perceptual_hash(pixels);
  std::vector<file_fault> faults;
  try {
    const mask truth = io::read_mask(v.files.mask, o.limits);
    if (truth.height != pixels.height || truth.width != pixels.width)
      return {{v.files.mask, "is " + std::to_string(truth.height) + " × " + std::to_string(truth.width),
               "its image's size, " + std::to_string(pixels.height) + " × " + std::to_string(pixels.width)}};
    if (io::is_jpeg(v.files.mask))
      warn("masks are JPEG, whose compression smears edges", v.files.mask, "a mask as JPEG: lesion is what is above 127; a PNG would be exact");
    else if (const auto fault = wrong_labels(v.files.mask, io::read_values(v.files.mask, o.limits), o.labels))
      faults.push_back(*fault);
    v.usable = true;
    counted.add(pixels, truth, spacing);
  } catch (const error& e) {
    faults.push_back({v.files.mask, std::string("cannot be read: ") + e.what(), "a mask"});
  }
  return faults;
}

// The nearest of the images readable[0 … at - 1] that are in another split than readable[at], where it is a copy.
inline std::optional<file_fault> copy_of_earlier(const std::vector<verified_image>& images, const std::vector<std::size_t>& readable, std::size_t at,
                                                 int near) {
  const verified_image& b = images[readable[at]];
  const verified_image* nearest = nullptr;
  int least = 0, others = -1;
  for (std::size_t j = 0; j < at; ++j) {
    const verified_image& a = images[readable[j]];
    const int distance = a.content == b.content ? -1 : hash_distance(a.hash, b.hash);  // equal pixels come before equal hashes
    if (a.split == b.split || distance > near) continue;
    if (++others == 0 || distance < least) nearest = &a, least = distance;
  }
  if (nearest == nullptr) return std::nullopt;
  std::string what = least < 0
                         ? "has the pixels of " + printable(nearest->files.image)
                         : "is nearly " + printable(nearest->files.image) + " (their hashes differ in " + std::to_string(least) + " of 64 bits)";
  if (others > 0) what += " and a copy of " + std::to_string(others) + " more";
  return file_fault{b.files.image, what, "no copy in another split"};
}

// Equal pixels within a split are noted; in two splits they, and pictures whose hashes are near, are faults of the later image. Images of one value,
// whose hash is 0, are left out: slices beyond the body are black, and no copies of one another.
inline void check_copies(verification& out, int near) {
  std::map<std::uint64_t, std::vector<std::size_t>> by_content;
  std::vector<std::size_t> readable;
  for (std::size_t k = 0; k < out.images.size(); ++k)
    if (out.images[k].readable && out.images[k].hash != 0) readable.push_back(k), by_content[out.images[k].content].push_back(k);
  std::vector<std::optional<file_fault>> found(readable.size());
  cpu::parallel_for(static_cast<std::int64_t>(readable.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    found[at] = copy_of_earlier(out.images, readable, at, near);
  });
  for (const auto& fault : found)
    if (fault) out.faults.push_back(*fault);
  for (const auto& [content, copies] : by_content)
    for (std::size_t k = 1; k < copies.size(); ++k) {
      const verified_image &a = out.images[copies[0]], &b = out.images[copies[k]];
      if (a.split == b.split)
        out.notes.push_back(printable(b.files.image) + " has the pixels of " + printable(a.files.image) + ", in the same split");
    }
}

inline void check_groups(verification& out, const group_rule& rule) {
  std::map<std::string, const verified_image*> first;
  std::set<std::pair<std::string, std::string>> told;
  for (const verified_image& v : out.images) {
    const auto group = rule.of(v.files.name);
    if (!group) {
      out.faults.push_back({v.files.image, "is in no group", "a name that --group knows"});
      continue;
    }
    const auto [at, is_new] = first.emplace(*group, &v);
    if (!is_new && at->second->split != v.split && told.emplace(*group, v.split).second)
      out.faults.push_back(
          {v.files.image, "is of group " + printable(*group) + ", as is " + printable(at->second->files.image), "a group in one split"});
  }
}

}  // namespace detail

/// Reads every image and mask of SET/{train,val,test}; splits that are missing are noted. Faults are: files that folder_dataset refuses; masks
/// without an image; files that cannot be read; a mask of another size than its image; label values that were not declared; copies of an image, exact
/// or near, in two splits (images of one value are not compared); a group in two splits. Faults are in the order of splits and names. Throws
/// dcs::error where the set has none of the three splits, or its spacing.csv is wrong.
inline verification verify_set(const std::string& set, const verify_options& o = {}) {
  namespace fs = std::filesystem;
  verification out;
  const spacing_table spacings = read_spacing(set);
  bool any = false;
  for (const std::string split : {"train", "val", "test"}) {
    if (!fs::exists(fs::path(set) / split)) {
      out.notes.push_back("there is no split " + split);
      continue;
    }
    any = true;
    for (const char* kind : {"images", "masks"})
      if (!fs::is_directory(fs::path(set) / split / kind))
        out.faults.push_back({(fs::path(set) / split / kind).string(), "is no folder", "a folder of " + std::string(kind)});
    if (!fs::is_directory(fs::path(set) / split / "images") || !fs::is_directory(fs::path(set) / split / "masks")) continue;
    const folder_files files = list_folder(set, split);
    out.faults.insert(out.faults.end(), files.faults.begin(), files.faults.end());
    for (const auto& path : files.masks_alone) out.faults.push_back({path, "belongs to no image", "an image of this stem"});
    if (files.pairs.empty()) out.faults.push_back({(fs::path(set) / split).string(), "holds no image with a mask", "one at least"});
    for (const auto& pair : files.pairs) out.images.push_back({split, pair});
  }
  expect(any, "dcs::verify_set: ", printable(set), " holds none of the folders train, val and test");
  std::vector<std::vector<file_fault>> found(out.images.size());
  std::mutex counting;
  cpu::parallel_for(static_cast<std::int64_t>(out.images.size()), [&](std::int64_t i) {
    verified_image& v = out.images[static_cast<std::size_t>(i)];
    set_statistics counted;
    found[static_cast<std::size_t>(i)] = detail::check_image(v, o, find_spacing(spacings, v.files.name), counted);
    const std::lock_guard lock(counting);
    out.statistics.add(counted);
  });
  for (const auto& faults : found) out.faults.insert(out.faults.end(), faults.begin(), faults.end());
  detail::check_copies(out, o.near);
  if (o.groups) detail::check_groups(out, *o.groups);
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
