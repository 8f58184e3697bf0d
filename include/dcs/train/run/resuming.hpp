// How a run begins or goes on: its configuration, from what is asked for and what is in the folder, and what a checkpoint must agree with.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/warning.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/run/processes.hpp>
#include <dcs/train/run/state.hpp>
#include <dcs/train/segmenter.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A run that is in its folder already: it goes on with the configuration that it began with.
struct resumed {
  int epochs = 0;      // in all; 0: as many as before
  std::string data{};  // where the set is now; empty: where it was
};
/// What a run that goes on is asked for.
inline run_config asked_of(const resumed& r) {
  run_config c;
  c.epochs = r.epochs, c.data = r.data;
  return c;
}

/// The configuration of a new run of so many processes, of which `c` says everything. Throws dcs::error where it names no data.
inline run_config new_run_config(run_config c, int processes) {
  expect(!c.data.empty(), "dcs::run: run_config::data is empty; expected the folder of the set, or another name of what the run is trained on");
  c.imagenet_input = c.imagenet_input || !c.backbone.empty();
  if (processes > 1 && c.shards == 0) c.shards = c.batch;
  return c;
}
/// The configuration of a run that goes on: the one in the file at `path`, but for the epochs and the data of `requested`, where it says any.
inline run_config resumed_config(const run_config& requested, const std::string& path) {
  run_config c = read_config(path, requested.network);
  if (requested.epochs > 0) c.epochs = requested.epochs;
  if (!requested.data.empty()) c.data = requested.data;
  return c;
}
/// Throws dcs::error where so many processes cannot train a run of this configuration to its bits.
inline void expect_sharable(const run_config& c, int processes) {
  expect(c.shards >= 0 && c.shards <= c.batch, "dcs::run: shards is ", c.shards, "; expected 1 to the ", c.batch, " images of a batch, or 0");
  expect(c.shards > 0 || processes == 1, "dcs::run: the run began in one process, with batches that are not cut into shards, so that ", processes,
         " processes cannot go on with it; expected one process (a run that is begun with --shards may have any number)");
}

/// Throws dcs::error where steps on a device are to be cut into shards or shared out, which is done on the host alone.
template <class Device>
void expect_whole_steps(const run_config& c, int processes) {
  expect(c.shards <= 1 && processes == 1, "dcs::run: steps on ", Device::name, " are not cut into shards (", c.shards,
         ") nor shared out over processes (", processes, "); expected --device cpu, or one process without shards");
}
/// The first process's configuration, in every process.
inline run_config shared_config(run_processes& processes, const run_config& c, const std::vector<network_option>& options) {
  const std::string text = processes.shared(processes.first() ? to_json(c).dump() : "");
  return config_of(parse_json(text, "the configuration of process 0"), "the configuration of process 0", options);
}

/// Throws dcs::error where the data of this fingerprint (data/fingerprint.hpp) is not what the run was trained on.
inline void expect_same_data(const run_config& c, const std::string& fingerprint) {
  expect(c.data_fingerprint == fingerprint, "--data ", c.data,
         ": names or contents of its files differ from those that the run was trained on, or others are left out (", fingerprint, "; expected ",
         c.data_fingerprint, "); --data says where they are now");
}

/// The state in a checkpoint of Net's run, as run_state::of; the losses of steps in it must be those of Net.
template <class Net>
run_state state_of(const std::map<std::string, std::string>& metadata, const run_config& c, const std::string& path) {
  run_state s = run_state::of(metadata, c, path);
  const auto& sums = s.part.sums;
  expect(s.part.steps == 0 || (sums.terms.size() == Net::loss_terms.size() && sums.counts.size() == count_names_of<Net>().size()), path,
         ": losses are of ", sums.terms.size(), " terms and ", sums.counts.size(), " counts; expected ", Net::loss_terms.size(), " and ",
         count_names_of<Net>().size());
  return s;
}

/// A warning where a checkpoint was trained with another instruction set than device D has now.
template <class D>
void notice_other_instruction_set(const std::map<std::string, std::string>& metadata, const std::string& path) {
  const auto made = metadata.find("instruction_set");
  const std::string current = instruction_set<D>();
  if (made == metadata.end() || made->second != current)
    notice(path + " was trained with " + (made == metadata.end() ? "an unknown instruction set" : made->second) + ", this process computes with " +
           current + ": the run goes on, but not to the bits that it would have had");
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
