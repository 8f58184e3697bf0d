#include "measuring.hpp"

#include "command_line.hpp"

#include <dcs/data/groups.hpp>

namespace programs {

void add_bootstrap(CLI::App& app, dcs::bootstrap_options& o) {
  app.add_option("--replicates", o.replicates, "resampled sets that the 95 % intervals come from")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--bootstrap-seed", o.seed, "seed of the resampled sets")->capture_default_str()->check(digits());
}

void add_spacing(CLI::App& app, std::optional<dcs::pixel_spacing>& spacing, const std::string& help) {
  // One option for two numbers: CLI11 stores them in order.
  app.add_option_function<std::vector<double>>(
         "--spacing",
         [&spacing](const std::vector<double>& s) {
           spacing = {s[0], s[1]};
         },
         help)
      ->expected(2)
      ->delimiter(',')
      ->allow_extra_args(false)  // what follows is an argument of its own
      ->check(number(1e-6, 1e6));
}

void add_measuring(CLI::App& app, measuring& m) {
  add_spacing(
      app, m.spacing,
      "distance of rows and of columns, in mm for example: the unit of distances (default: what the set's spacing.csv says; else 1 1, pixels)");
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
      ->delimiter(',')
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  app.add_option("--group", m.group,
                 "images that are one group of the bootstrap, as those of a patient: NAME.csv with rows name,group, or a regular expression on the "
                 "name without extension whose first parentheses are the group");
  add_bootstrap(app, m.bootstrap);
}

void check(const measuring& m) {
  dcs::expect(m.sizes.medium <= m.sizes.large, "--sizes ", m.sizes.medium, " ", m.sizes.large, ": expected the smaller one first");
}

std::vector<std::string> groups_of(const std::vector<std::string>& names, const measuring& m) {
  std::vector<std::string> groups(names.size());
  if (m.group.empty()) return groups;
  const dcs::group_rule rule(m.group);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto group = rule.of(names[i]);
    dcs::expect(group && !group->empty(), "--group ", m.group, ": ", names[i], " is in no group; expected a rule that knows every image");
    groups[i] = *group;
  }
  return groups;
}

}  // namespace programs
