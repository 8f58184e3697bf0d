// Comma-separated values as RFC 4180 has them: a field may stand in double quotes, in which a quote is written as two.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/file.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

DCS_EXACT_MATH
namespace dcs::io {

namespace detail {

// The field at `at`, which is moved behind it: to a comma, the line's end, or the text's. Throws where a quote is not closed, or text follows it.
inline std::string csv_field(std::string_view text, std::size_t& at, const std::string& where) {
  const auto ends = [&] { return at == text.size() || text[at] == ',' || text[at] == '\n' || text[at] == '\r'; };
  std::string field;
  if (at == text.size() || text[at] != '"') {
    while (!ends()) field += text[at++];
    return field;
  }
  for (++at; at < text.size(); ++at) {
    if (text[at] != '"') {
      field += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == '"') {
      field += text[++at];
    } else {
      ++at;
      expect(ends(), "dcs::csv: ", where, ": text follows a closing quote; expected a comma");
      return field;
    }
  }
  fail("dcs::csv: ", where, ": a quote is not closed");
}

}  // namespace detail

/// The rows of a CSV file of at most 256 MiB, each of `columns` fields; blank lines are passed over. The first row is the heading's, if there is one.
/// Throws dcs::error, with the file's name and the row's number, where a row has another number of fields or a quote is not closed.
inline std::vector<std::vector<std::string>> read_csv(const std::string& path, std::size_t columns) {
  const std::string text = read_bytes(path, "dcs::csv", std::int64_t{1} << 28);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size();) {  // spreadsheets begin with a byte order mark
    if (text[at] == '\n' || text[at] == '\r') {
      ++at;
      continue;
    }
    const std::string where = printable(path) + ", row " + std::to_string(rows.size() + 1);
    auto& row = rows.emplace_back();
    row.push_back(detail::csv_field(text, at, where));
    while (at < text.size() && text[at] == ',') row.push_back(detail::csv_field(text, ++at, where));
    expect(row.size() == columns, "dcs::csv: ", where, " has ", row.size(), " fields; expected ", columns);
  }
  return rows;
}

/// A field as it is written into a CSV file: in quotes where it holds a comma, a quote or a line's end.
inline std::string csv_text(std::string_view field) {
  if (field.find_first_of(",\"\r\n") == field.npos) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace dcs::io

#include <dcs/core/header_end.inl>
