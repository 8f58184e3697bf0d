// The runs of a grid: each a folder, trained and evaluated by dcs_train and dcs_evaluate, and what their evaluations say.
#pragma once

#include "grid_file.hpp"

#include <dcs/train/run/stop.hpp>

#include <optional>

namespace programs {

/// A network trained on a set, or on a fold of it, with a seed.
struct grid_run {
  std::size_t set = 0, network = 0, variant = 0, seed = 0;  // indices into the grid's lists
  int fold = -1;                                            // −1: the set has no folds
  std::string name, folder, data;                           // SET/NETWORK[/VARIANT]/seedS[-foldF], that folder of the grid's, and the set's or fold's
  std::vector<std::string> train, evaluate;                 // arguments by name, without those about folders
  std::string plan;                                         // the path of dcs_train's --plan; empty where there is none
};

/// The runs of a grid, in the order of sets, networks, variants, seeds and folds.
std::vector<grid_run> runs_of(const grid& g);

/// Whether a run is finished: trained and evaluated on this set with these arguments and this plan, as its grid.json says, and its evaluation.json is
/// still the one that was made then.
bool is_done(const grid_run& r);

/// What becomes of a grid's runs.
struct grid_outcome {
  std::size_t done = 0, skipped = 0, failed = 0;
};
/// Makes the sets that are not there, and does the runs that are not done, one after the other; a line on standard output for each, and one on stderr
/// for each that fails, which stops no other. A run that was begun is resumed. When `stop` is asked for, the run in progress writes its checkpoint,
/// and no other begins.
grid_outcome do_runs(const grid& g, const std::vector<grid_run>& runs, const dcs::stop_request& stop);

/// The side that a run's images are resized to: of a run that has begun as its config.json says; std::nullopt where a plan says it.
std::optional<int> side_of(const grid_run& r);

/// Parameters and multiply-adds of a network, as dcs_summary counts them: the latter for one image of side × side. Kept in OUT/costs. std::nullopt
/// where `stop` was asked for meanwhile. Throws dcs::error where dcs_summary fails.
struct network_cost {
  double parameters = 0, multiply_adds = 0;
};
std::optional<network_cost> cost_of(const grid& g, const std::string& net, int side, const dcs::stop_request& stop);

}  // namespace programs
