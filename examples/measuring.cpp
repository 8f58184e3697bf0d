#include "measuring.hpp"

#include "command_line.hpp"

#include <dcs/io/file.hpp>

#include <map>
#include <regex>

namespace programs {

void add_bootstrap(CLI::App& app, dcs::bootstrap_options& o) {
  app.add_option("--replicates", o.replicates, "resampled sets that the 95 % intervals come from")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--bootstrap-seed", o.seed, "seed of the resampled sets")->capture_default_str()->check(digits());
}

void add_measuring(CLI::App& app, measuring& m) {
  // One option for two numbers: CLI11 stores them in order.
  app.add_option_function<std::vector<double>>(
         "--spacing",
         [&m](const std::vector<double>& s) {
           m.lesions.surface.spacing = {s[0], s[1]};
         },
         "distance of rows and of columns, in mm for example: the unit of distances (default: 1 1, pixels)")
      ->expected(2)
      ->check(number(1e-6, 1e6));
  app.add_option("--tolerance", m.lesions.surface.tolerance, "of the surface Dice, in the unit of the spacing")
      ->capture_default_str()
      ->check(number(0, 1e6));
  app.add_option("--lesion-iou", m.lesions.iou, "least overlap (IoU) of a true and a predicted lesion that match")
      ->capture_default_str()
      ->check(number(1e-6, 1));
  app.add_option_function<std::vector<std::int64_t>>(
         "--sizes",
         [&m](const std::vector<std::int64_t>& s) {
           m.sizes = {s[0], s[1]};
         },
         "lesions of fewer pixels than the first number are small, from the second on large (default: 1024 9216)")
      ->expected(2)
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  auto* pattern = app.add_option(
      "--group-pattern", m.group_pattern,
      "regular expression: images in whose names its first parenthesis (or all of it) matches the same are one group of the bootstrap");
  app.add_option("--group-csv", m.group_csv, "file with the columns name,group: the same")->excludes(pattern);
  add_bootstrap(app, m.bootstrap);
}

void check(const measuring& m) {
  dcs::expect(m.sizes.medium <= m.sizes.large, "--sizes ", m.sizes.medium, " ", m.sizes.large, ": expected the smaller one first");
}

namespace {

std::map<std::string, std::string> read_groups(const std::string& path) {
  std::string text = dcs::io::read_bytes(path, "dcs_evaluate", 1 << 26);
  std::erase(text, '\r');
  std::map<std::string, std::string> groups;
  std::size_t line = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string row = text.substr(begin, end - begin);
    begin = end + 1;
    if (++line == 1) {
      dcs::expect(row == "name,group", path, ": its first line is '", row, "'; expected 'name,group'");
      continue;
    }
    if (row.empty()) continue;
    const std::size_t comma = row.rfind(',');
    dcs::expect(comma != row.npos && comma > 0 && comma + 1 < row.size(), path, ": line ", line, " is '", row,
                "'; expected a name, a comma, a group");
    dcs::expect(groups.emplace(row.substr(0, comma), row.substr(comma + 1)).second, path, ": line ", line, ": ", row.substr(0, comma),
                " stands twice");
  }
  return groups;
}

std::regex pattern_of(const std::string& text) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& e) {
    dcs::fail("--group-pattern ", text, ": no regular expression: ", e.what());
  }
}

}  // namespace

std::vector<std::string> groups_of(const std::vector<std::string>& names, const measuring& m) {
  std::vector<std::string> groups(names.size());
  if (!m.group_pattern.empty()) {
    const std::regex pattern = pattern_of(m.group_pattern);
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::smatch found;
      dcs::expect(std::regex_search(names[i], found, pattern), "--group-pattern ", m.group_pattern, ": matches nothing in ", names[i]);
      groups[i] = found[found.size() > 1 ? 1 : 0];
      dcs::expect(!groups[i].empty(), "--group-pattern ", m.group_pattern, ": matches an empty text in ", names[i], "; expected a group");
    }
  } else if (!m.group_csv.empty()) {
    const auto all = read_groups(m.group_csv);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto found = all.find(names[i]);
      dcs::expect(found != all.end(), m.group_csv, ": there is no line of ", names[i]);
      groups[i] = found->second;
    }
  }
  return groups;
}

}  // namespace programs
