// A fingerprint of a data set, by which a resumed run checks that it has the same images as before, even if the folder was moved.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/parallel.hpp>
#include <dcs/data/folder_files.hpp>
#include <dcs/io/file.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// FNV-1a of 64 bits (Fowler, Noll, Vo): a checksum against mistakes, not against deliberate collisions.
class fnv1a {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  std::uint64_t value() const { return hash_; }
  std::string digits() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash_));
    return text;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

/// A hash over names and whole contents of the files in SET/{train,val}/{images,masks}, as 16 hexadecimal digits. Hidden files, what is no regular
/// file, the set's path and the dates of files are ignored, and so is the test split, as no run is trained on it. Every file is read once, which
/// takes as long as reading them in the first epoch. Throws error where a file cannot be read.
inline std::string data_fingerprint(const std::string& set) {
  namespace fs = std::filesystem;
  std::vector<fs::path> names;
  for (const char* split : {"train", "val"})
    for (const char* kind : {"images", "masks"})
      for (const auto& e : fs::directory_iterator(fs::path(set) / split / kind))
        if (e.path().filename().string().front() != '.' && e.is_regular_file()) names.push_back(fs::path(split) / kind / e.path().filename());
  std::sort(names.begin(), names.end());
  std::vector<std::uint64_t> contents(names.size());
  cpu::parallel_for(static_cast<std::int64_t>(names.size()), [&](std::int64_t i) {
    const auto k = static_cast<std::size_t>(i);
    io::input_file file((fs::path(set) / names[k]).string(), "dcs::data_fingerprint");
    fnv1a hash;
    std::vector<char> part(1 << 16);
    for (std::int64_t n; (n = file.read_some(part.data(), static_cast<std::int64_t>(part.size()))) > 0;)
      hash.add({part.data(), static_cast<std::size_t>(n)});
    contents[k] = hash.value();
  });
  fnv1a all;
  for (std::size_t k = 0; k < names.size(); ++k) {
    all.add(names[k].string());
    all.add(std::string_view("\0", 1));
    all.add(std::to_string(contents[k]) + "\n");
  }
  return all.digits();
}

/// The fingerprint of a set of which these files are left out: `fingerprint`, that of the whole set at `set`, where there are none. It depends
/// neither on the set's path nor on the files' order.
inline std::string fingerprint_without(const std::string& fingerprint, const std::string& set, const std::vector<file_fault>& left_out) {
  if (left_out.empty()) return fingerprint;
  std::vector<std::string> names;
  for (const auto& fault : left_out) names.push_back(std::filesystem::path(fault.path).lexically_relative(set).string());
  std::sort(names.begin(), names.end());
  fnv1a all;
  all.add(fingerprint);
  for (const auto& name : names) {
    all.add(std::string_view("\0", 1));
    all.add(name);
  }
  return all.digits();
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
