// The file of dcs_grid (docs/grid.md): networks, sets, variants and seeds, and the tables that their runs become.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace programs {

/// A flag of another program: its name without --, and its value, empty where it has none. One that is not wanted takes back an earlier one.
struct flag {
  std::string name, value;
  bool wanted = true;
};
using flags = std::vector<flag>;

struct grid_set {
  std::string name, data;
  int folds = 0;  // 0: one set; otherwise DATA/fold0 to DATA/fold<folds − 1>
  flags convert;  // of dcs_convert, which makes DATA where it is not there; none: it must be there
  flags train;    // of dcs_train, for runs on this set
};
struct grid_network {
  std::string name, net;
  std::vector<std::pair<std::string, std::string>> labels;  // what stands in columns of a table, by their names
  flags train;
};
struct grid_variant {
  std::string name;  // empty: there are none, and runs are not named after one
  flags train;
};
struct grid_table {
  std::string title, set, variant;
  std::vector<std::string> labels;    // the first columns
  std::vector<std::string> networks;  // the rows
  bool cost = false;                  // whether parameters and multiply-adds are the last columns
};
struct grid {
  std::string folder, out;  // of the file, which paths among flags start from; and of the runs
  std::vector<grid_set> sets;
  std::vector<grid_network> networks;
  std::vector<grid_variant> variants;
  std::vector<std::uint64_t> seeds;
  flags train, evaluate;  // of all runs
  std::vector<grid_table> tables;
};

/// Reads a grid; its paths start from the file's folder, those among flags too. Throws dcs::error, naming the key, where one is unknown, missing, of
/// another type, or stands twice; for a name that could not be a folder's; for a flag that the grid sets itself; and where a table names what there
/// is not.
grid read_grid(const std::string& path);

/// "--NAME" or "--NAME=VALUE" for each flag that is wanted; of several of one name the last counts.
std::vector<std::string> arguments_of(const std::vector<flags>& lists);

}  // namespace programs
