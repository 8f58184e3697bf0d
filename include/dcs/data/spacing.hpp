// The size of pixels in millimetres, which a set's file SET/spacing.csv states where it is known.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/parse.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/io/csv.hpp>
#include <dcs/io/names.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

DCS_EXACT_MATH
namespace dcs {

/// Spacings by the image's name without its extension (io/names.hpp, without_image_extension).
using spacing_table = std::map<std::string, pixel_spacing>;

/// The largest spacing that a set may state, in mm.
inline constexpr double most_spacing = 1000;

/// Reads SET/spacing.csv: a heading name,row_mm,column_mm, then a row for each image, named with or without its extension; row_mm is the distance of
/// neighbouring rows, column_mm that of columns, of the image as it is shown (turned as its orientation says). A set without this file has no
/// spacings. Throws dcs::error where a number is no length above 0 (at most most_spacing) or a name has two.
inline spacing_table read_spacing(const std::string& set) {
  const std::string path = (std::filesystem::path(set) / "spacing.csv").string();
  spacing_table table;
  if (!std::filesystem::exists(path)) return table;
  const auto rows = io::read_csv(path, 3);
  expect(!rows.empty() && rows[0] == std::vector<std::string>{"name", "row_mm", "column_mm"}, "dcs::read_spacing: ", printable(path),
         " does not begin with the heading name,row_mm,column_mm");
  for (std::size_t k = 1; k < rows.size(); ++k) {
    const auto length = [&](const std::string& text) {
      const auto mm = parse_real(text);
      expect(mm && *mm > 0 && *mm <= most_spacing, "dcs::read_spacing: ", printable(path), ", row ", k + 1, ": ", printable(text),
             " is no spacing; expected millimetres above 0 and up to 1000");
      return *mm;
    };
    const pixel_spacing s{length(rows[k][1]), length(rows[k][2])};
    const auto [at, is_new] = table.emplace(without_image_extension(rows[k][0]), s);
    expect(is_new || at->second == s, "dcs::read_spacing: ", printable(path), ": ", printable(rows[k][0]), " has two spacings");
  }
  return table;
}

/// The spacing of the image of this file name, where the table has it.
inline std::optional<pixel_spacing> find_spacing(const spacing_table& table, const std::string& name) {
  const auto at = table.find(without_image_extension(name));
  return at == table.end() ? std::nullopt : std::optional(at->second);
}

/// Writes SET/spacing.csv, which read_spacing reads back to the bit.
inline void write_spacing(const std::string& set, const spacing_table& table) {
  std::string text = "name,row_mm,column_mm\n";
  char numbers[80];
  for (const auto& [name, s] : table) {
    std::snprintf(numbers, sizeof numbers, ",%.17g,%.17g\n", s.rows, s.columns);
    text += io::csv_text(name) + numbers;
  }
  io::write_bytes((std::filesystem::path(set) / "spacing.csv").string(), "dcs::write_spacing", text);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
