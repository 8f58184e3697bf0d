// How predictions are measured: the flags of dcs_evaluate about it, and what they set.
#pragma once

#include <dcs/metrics/bootstrap.hpp>
#include <dcs/metrics/lesions.hpp>

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace programs {

/// `group_pattern` and `group_csv`: which images belong together (groups_of); at most one of them is not empty.
struct measuring {
  dcs::lesion_options lesions;
  dcs::size_limits sizes;
  dcs::bootstrap_options bootstrap;
  std::int64_t bins = 15;  // of the calibration error
  std::string group_pattern, group_csv;
};

/// The flags that set it.
void add_measuring(CLI::App& app, measuring& m);
/// Throws dcs::error where numbers of flags contradict each other.
void check(const measuring& m);
/// The flags of the bootstrap alone.
void add_bootstrap(CLI::App& app, dcs::bootstrap_options& o);

/// The group of each image by its name: what the first parenthesis of a regular expression (ECMAScript) matches in it, or the whole expression where
/// there is none; or the second column of a CSV file whose first line is `name,group`. Empty strings where neither is asked for. Throws dcs::error
/// for an expression that is none or matches nothing in a name, and for a file that has a name twice or not at all.
std::vector<std::string> groups_of(const std::vector<std::string>& names, const measuring& m);

}  // namespace programs
