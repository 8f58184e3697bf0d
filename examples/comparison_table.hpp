// The figures of several runs beside each other, with what they differ by: rows of dcs_compare, and the texts that they become.
#pragma once

#include "results.hpp"

#include <string>
#include <vector>

namespace programs {

/// A figure of each run, and its difference from the first run for each that follows. Nothing where a run does not define it.
struct compared_figure {
  std::string name;
  dcs::stratum stratum;
  std::vector<std::optional<dcs::estimate>> of_runs;
  std::vector<std::optional<dcs::paired_difference>> differences;
};

/// Throws dcs::error, naming file, image and what differs, unless all runs were measured in one way, on the same images with the same true lesions,
/// groups, and (unless measured at the images' own size) true boxes, which are of the network's size.
void expect_comparable(const std::vector<stored_evaluation>& runs);

/// The figures of these names in these strata that any run defines, in the order of figures_of; without those of boxes where true boxes differ.
/// Throws dcs::error for a name that no figure has.
std::vector<compared_figure> compared_figures(const std::vector<stored_evaluation>& runs, const std::vector<std::string>& names,
                                              const std::vector<std::string>& strata, const dcs::bootstrap_options& bootstrap);

/// A run as a table names it, and what its masks were made by.
struct compared_run {
  std::string name, method;
};

/// The rows as a table: format markdown, latex (a tabular with the rules of booktabs), or csv (one line for each figure and run, numbers in full).
std::string table(const std::vector<compared_figure>& rows, const std::vector<compared_run>& runs, const std::string& format);

}  // namespace programs
