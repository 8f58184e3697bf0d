// A run's results.csv: a row for each epoch. The whole file is rewritten atomically for each, so that no failure leaves half a row or loses others.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/parse.hpp>
#include <dcs/core/warning.hpp>
#include <dcs/io/file.hpp>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

/// Throws error where two of a table's columns, which `head` names, have one name.
inline void expect_distinct_columns(const std::string& head) {
  std::set<std::string> names;
  std::istringstream columns(head);
  for (std::string name; std::getline(columns, name, ',');)
    expect(names.insert(name).second, "dcs::run: results.csv has two columns '", name,
           "'; expected another name for the loss term or count of the network (loss_terms, count_names)");
}

class results_table {
 public:
  /// `head`: the names of the columns, separated by commas; the first is the epoch, counted from 1.
  results_table(std::string path, std::string head) : path_(std::move(path)), head_(std::move(head)), fields_(fields_of(head_).size()) {}

  /// The number of rows in the file; 0 where there is no file. Throws error where it cannot be read or is no table of these columns.
  std::int64_t rows() const { return present() ? static_cast<std::int64_t>(read().size()) : 0; }

  /// Keeps the rows of the epochs 1 to `epochs`, and drops later ones, which the run will repeat. Throws error where the file cannot be read or lacks
  /// a row. A missing file is a warning, now and whenever the run is resumed, as its rows remain missing. Returns whether the file differs from the
  /// rows that are kept, so that it must be written.
  bool keep(int epochs) {
    rows_.clear();
    bool differs = true;
    std::int64_t first = epochs + 1;
    if (present()) {
      rows_ = read();
      const std::int64_t last = rows_.empty() ? 0 : *epoch_of(rows_.back());
      expect(last >= epochs, path_, ": it ends at the row of epoch ", last, ", but epoch ", epochs,
             " is done; where the file is moved away, the run goes on without the rows that it has had");
      if (!rows_.empty()) first = *epoch_of(rows_[0]);
      differs = last > epochs;
      rows_.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, epochs + 1 - first)));
    }
    if (first > 1 && epochs > 0)
      notice(path_ + ": the rows of epochs 1 to " + std::to_string(std::min<std::int64_t>(first - 1, epochs)) + " are lost");
    return differs;
  }
  /// Writes the file with the current rows.
  void write() const {
    std::string text = head_ + "\n";
    for (const auto& row : rows_) text += row + "\n";
    io::write_bytes(path_, "dcs::run", text);
  }
  /// Adds a row and writes the file.
  void append(int epoch, double rate, double seconds, const std::vector<double>& values) {
    char text[64];
    std::snprintf(text, sizeof text, "%d,%g,%.1f", epoch, rate, seconds);
    std::string row = text;
    for (double x : values) std::snprintf(text, sizeof text, ",%.6g", x), row += text;
    expect(fields_of(row).size() == fields_, path_, ": a row of ", fields_of(row).size(), " fields; expected ", fields_);
    rows_.push_back(row);
    write();
  }

  /// The rows of the file. Throws error where it cannot be read or is no table of these columns.
  std::vector<std::string> file_rows() const { return read(); }

 private:
  bool present() const {
    std::error_code none;
    return std::filesystem::symlink_status(path_, none).type() != std::filesystem::file_type::not_found;
  }
  static std::vector<std::string_view> fields_of(std::string_view row) {
    std::vector<std::string_view> fields;
    while (true) {
      const auto comma = row.find(',');
      fields.push_back(row.substr(0, comma));
      if (comma == row.npos) return fields;
      row.remove_prefix(comma + 1);
    }
  }
  // The rows, each checked. A last line without a line break comes from an earlier version, which appended to the file and was killed.
  std::vector<std::string> read() const {
    const std::string text = io::read_bytes(path_, "dcs::run", std::int64_t{1} << 30);
    std::vector<std::string> lines;
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != text.npos; at = end + 1) lines.push_back(text.substr(at, end - at));
    expect(!lines.empty() && lines[0] == head_, path_, ": its first line is '", lines.empty() ? text.substr(0, 80) : lines[0].substr(0, 80),
           "'; expected '", head_.substr(0, 20), "…' with ", fields_, " columns");
    for (std::size_t i = 1; i < lines.size(); ++i) expect_row(lines[i], i + 1, i > 1 ? lines[i - 1] : "");
    lines.erase(lines.begin());
    return lines;
  }
  static std::optional<std::int64_t> epoch_of(std::string_view row) { return parse_whole(row.substr(0, row.find(','))); }
  void expect_row(const std::string& row, std::size_t line, const std::string& before) const {
    const auto fields = fields_of(row);
    expect(fields.size() == fields_, path_, ": line ", line, " has ", fields.size(), " fields; expected ", fields_);
    for (const auto f : fields) expect(parse_real(f).has_value(), path_, ": line ", line, " contains '", std::string(f), "'; expected a number");
    const auto epoch = epoch_of(row);
    constexpr std::int64_t most_epochs = 1000000000;
    expect(epoch && *epoch >= 1 && *epoch <= most_epochs, path_, ": line ", line, " is of epoch ", std::string(fields[0]),
           "; expected a whole number from 1 to ", most_epochs);
    const auto last = before.empty() ? *epoch - 1 : *epoch_of(before);
    expect(*epoch == last + 1, path_, ": line ", line, " is of epoch ", *epoch, "; expected ", last + 1);
  }

  std::string path_, head_;
  std::size_t fields_;
  std::vector<std::string> rows_;
};

/// A results.csv as numbers, of whatever network: the values of each column, by its name and in the file's order.
struct result_columns {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;

  std::size_t rows() const { return values.empty() ? 0 : values[0].size(); }
  /// The values of a column; nullptr where there is none of this name.
  const std::vector<double>* find(const std::string& name) const {
    const auto it = std::find(names.begin(), names.end(), name);
    return it == names.end() ? nullptr : &values[static_cast<std::size_t>(it - names.begin())];
  }
};
/// Reads a results.csv. Throws error where it cannot be read or is no table of epochs.
inline result_columns read_results(const std::string& path) {
  const std::string text = io::read_bytes(path, "dcs::run", std::int64_t{1} << 30), head = text.substr(0, text.find('\n'));
  expect(head.rfind("epoch,", 0) == 0, path, ": its first line is '", head.substr(0, 80), "'; expected names of columns, the first of them epoch");
  result_columns c;
  std::istringstream names(head);
  for (std::string name; std::getline(names, name, ',');) c.names.push_back(name);
  c.values.resize(c.names.size());
  for (const std::string& row : results_table(path, head).file_rows()) {
    std::istringstream fields(row);
    std::string field;
    for (auto& column : c.values) std::getline(fields, field, ','), column.push_back(*parse_real(field));
  }
  return c;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
