// Names of files and folders: as JSON strings, as absolute paths, and for the pictures that are made of images.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/printable.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// A file's name as a JSON string, which must be UTF-8, which names need not be: a byte that is not is spelled as a backslash, an x and two
/// hexadecimal digits, and a backslash as two. (In the file each backslash is doubled once more, as JSON has it.)
inline std::string json_name(std::string_view name) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  while (!name.empty()) {
    const auto n = detail::utf8_length(name);
    const auto c = static_cast<unsigned char>(name[0]);
    if (n == 0)
      out += "\\x", out += digits[c >> 4], out += digits[c & 15];
    else if (c == '\\')
      out += "\\\\";
    else
      out += name.substr(0, n);
    name.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}
/// The inverse of json_name. Throws error where a backslash is followed by anything else, or a name could not be a file's.
inline std::string name_of_json(const std::string& text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    expect(text[i] != '\0', "a name contains the character 0");
    if (text[i] != '\\') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out += text[++i];
    } else {
      const int high = i + 3 < text.size() && text[i + 1] == 'x' ? digit(text[i + 2]) : -1, low = high < 0 ? -1 : digit(text[i + 3]);
      expect(low >= 0 && high >= 8, text, ": a backslash is followed by neither another one nor x80 to xff");
      out += static_cast<char>(high * 16 + low);
      i += 3;
    }
  }
  return out;
}

/// A path that means the same from every working directory. Links are kept, but where the path contains "..": the folder above a link is the one
/// above its target.
inline std::string absolute_path(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) return path;
  const fs::path whole = fs::absolute(path);
  const bool goes_up = std::find(whole.begin(), whole.end(), "..") != whole.end();
  return (goes_up ? fs::weakly_canonical(whole) : whole.lexically_normal()).string();
}

/// A file's name without the extension of an image (.png, .jpg, .jpeg, .tif, .tiff, in any case). Other points are part of the name: a slice is
/// called vol.1_0003, which has no extension.
inline std::string without_image_extension(const std::string& name) {
  std::string extension = std::filesystem::path(name).extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const bool known = extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".tif" || extension == ".tiff";
  return known ? name.substr(0, name.size() - extension.size()) : name;
}

/// A name for each image's picture, without its extension: the image's own without extension, or with it where another image has the same. `names`
/// are the images' file names, each once. Throws error where two names would still be the same.
inline std::vector<std::string> picture_names(const std::vector<std::string>& names) {
  const auto stem = [](const std::string& name) { return std::filesystem::path(name).stem().string(); };
  std::map<std::string, int> uses;
  for (const auto& name : names) ++uses[stem(name)];
  std::vector<std::string> pictures;
  std::map<std::string, std::string> taken;
  for (const auto& name : names) {
    pictures.push_back(uses[stem(name)] > 1 ? name : stem(name));
    const auto [other, is_new] = taken.emplace(pictures.back(), name);
    expect(is_new, name, ": its picture would have the name of that of ", other->second, "; give one of the two another name");
  }
  return pictures;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
