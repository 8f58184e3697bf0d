// grid.json of a run: what it was begun with, and whether that is done.
#pragma once

#include "grid_runs.hpp"

namespace programs {

/// What grid.json says. A checksum is CRC-32C in hexadecimal, and empty for a file that is not there.
struct run_record {
  std::string data;                          // the set's absolute path
  std::vector<std::string> train, evaluate;  // arguments, by name
  std::string plan;                          // the checksum of dcs_train's --plan; empty where there is none
  // Of a run that is done, the checksums of evaluation.json and of the postprocessing.json that it was made with.
  std::string evaluation, postprocessing;
  bool done = false;
  friend bool operator==(const run_record&, const run_record&) = default;
};

/// The record that a run would have now: with its set, its arguments and the checksums of its files.
run_record record_now(const grid_run& r, bool done);
/// The record in the run's folder, where there is one. Throws dcs::error, naming the file, where it cannot be read.
std::optional<run_record> read_record(const grid_run& r);
/// Throws dcs::error where the disk does not take it.
void write_record(const grid_run& r, const run_record& record);

/// Throws dcs::error where the run that its folder holds cannot become the one that is asked for: where flags, the plan or the set differ, or fewer
/// epochs are asked for than it has.
void expect_resumable(const grid_run& r, const std::optional<run_record>& record);
/// The arguments that dcs_train --resume takes, of those of the run.
std::vector<std::string> resuming_arguments(const grid_run& r);

/// The value of --NAME=VALUE among arguments, where it is there.
std::optional<std::string> value_of(const std::vector<std::string>& arguments, const std::string& name);
/// A whole number of the run's config.json, as "epochs"; std::nullopt before the run has begun. Throws dcs::error where the file cannot be read.
std::optional<std::int64_t> config_number(const grid_run& r, const char* key);

}  // namespace programs
