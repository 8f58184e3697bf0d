// The tables of a grid: a row for each network, in the layout of the DCSNet paper's Tables 2 to 6.
#pragma once

#include "grid_runs.hpp"

namespace programs {

/// The tables of a grid as text: `format` markdown or latex, for people, or csv with numbers in full.
///
/// A table's columns are the labels that it asks for, Dice, IoU and precision in percent, the 95 % Hausdorff distance in the evaluation's unit, and
/// the cost. A number is the mean over seeds, a seed's number the mean over its folds, and a run's the mean over images; behind ± stands the sample
/// standard deviation (n − 1) over seeds or, where there is one seed, over folds. The best of a column is bold. Runs that are not done are left out,
/// and a line below the table says how many are. A network whose cost dcs_summary does not count has an empty cost, and a line on stderr. Throws
/// dcs::error where an evaluation cannot be read. Where `stop` is asked for, the text is not whole.
struct grid_tables {
  std::string text;
  std::size_t without_cost = 0;  // rows that should have a cost and have none
};
grid_tables tables_of(const grid& g, const std::vector<grid_run>& runs, const std::string& format, const dcs::stop_request& stop);

}  // namespace programs
