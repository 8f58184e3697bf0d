// How predictions are measured: the flags of dcs_evaluate about it, and what they set.
#pragma once

#include <dcs/metrics/bootstrap.hpp>
#include <dcs/metrics/lesions.hpp>

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace programs {

struct measuring {
  dcs::lesion_options lesions;                // without their spacing, which may be each image's own
  std::optional<dcs::pixel_spacing> spacing;  // of all images; without it each image's own where the set states it, else pixels
  dcs::size_limits sizes;
  dcs::bootstrap_options bootstrap;
  std::int64_t bins = 15;  // of the calibration error
  std::string group;       // a rule of groups (dcs::group_rule): which images belong together; empty: each is alone
};

/// The flag of programs that measure in millimetres.
void add_spacing(CLI::App& app, std::optional<dcs::pixel_spacing>& spacing, const std::string& help);
/// The flags that set it.
void add_measuring(CLI::App& app, measuring& m);
/// Throws dcs::error where numbers of flags contradict each other.
void check(const measuring& m);
/// The flags of the bootstrap alone.
void add_bootstrap(CLI::App& app, dcs::bootstrap_options& o);

/// The group of each image by its name; empty strings where there is no rule. Throws dcs::error for a rule that is none or does not know a name.
std::vector<std::string> groups_of(const std::vector<std::string>& names, const measuring& m);

}  // namespace programs
