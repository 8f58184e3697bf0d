#include "grid_runs.hpp"

#include "child_process.hpp"
#include "session.hpp"

#include <dcs/core/parse.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/progress.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <sstream>

namespace programs {

namespace {

namespace fs = std::filesystem;
using dcs::json;

// Flags of dcs_train that may differ when a run is resumed, as --epochs=100; all others must stay.
bool may_change(const std::string& argument) {
  constexpr std::array names{"epochs", "device", "capture", "no-capture", "tune", "tf32", "most-pixels", "save-minutes", "tensorboard", "skip-bad"};
  const std::string name = argument.substr(2, argument.find('=') - 2);
  return std::find(names.begin(), names.end(), name) != names.end();
}
std::vector<std::string> those_that(const std::vector<std::string>& arguments, bool change) {
  std::vector<std::string> some;
  std::copy_if(arguments.begin(), arguments.end(), std::back_inserter(some), [&](const auto& a) { return may_change(a) == change; });
  return some;
}

// grid.json of a run: the arguments that it was begun with, and whether it is done.
struct run_record {
  std::vector<std::string> train, evaluate;
  bool done = false;
};
std::string record_path(const grid_run& r) { return (fs::path(r.folder) / "grid.json").string(); }
std::optional<run_record> record_of(const grid_run& r) {
  const std::string path = record_path(r);
  if (!fs::exists(path)) return {};
  const json j = dcs::parse_json(dcs::io::read_bytes(path, "dcs::grid", 1 << 24), path);
  try {
    return run_record{j.at("train"), j.at("evaluate"), j.at("done")};
  } catch (const json::exception& e) {
    dcs::fail(path, ": ", e.what());
  }
}
void write_record(const grid_run& r, bool done) {
  const json j{{"train", r.train}, {"evaluate", r.evaluate}, {"done", done}};
  dcs::io::write_bytes(record_path(r), "dcs::grid", j.dump(2) + "\n");
}

// Runs a program; throws with the last line of its log where it fails. False where it was stopped.
bool run_step(const grid& g, const char* program, const std::vector<std::string>& arguments, const std::string& log, const dcs::stop_request& stop) {
  const std::uintmax_t before = fs::exists(log) ? fs::file_size(log) : 0;
  const child_end end = run_child(sibling_program(program), arguments, g.folder, log, stop);
  if (end.ok()) return true;
  if (stop) return false;
  std::string last;
  std::istringstream lines(dcs::io::read_bytes(log, "dcs::grid", std::int64_t{1} << 32).substr(before));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) last = line;
  dcs::fail(last.empty() ? std::string(program) + ": exit code " + std::to_string(end.code) : last, " (", log, ")");
}

// Trains what is not trained and evaluates it. False where it was stopped.
bool do_run(const grid& g, const grid_run& r, const dcs::stop_request& stop) {
  const auto record = record_of(r);
  const bool begun = dcs::run_folder(r.folder).has_checkpoint();
  dcs::expect(!begun || record, r.folder, ": holds a run that dcs_grid did not begin; expected another out");
  dcs::expect(!begun || those_that(record->train, false) == those_that(r.train, false), record_path(r),
              ": the run was begun with other options; expected the same ones, or another name or out");
  dcs::io::create_folders(r.folder, "dcs::grid");
  write_record(r, false);
  std::vector<std::string> train{"--out=" + dcs::absolute_path(r.folder), "--data=" + dcs::absolute_path(r.data)};
  const auto options = begun ? those_that(r.train, true) : r.train;
  train.insert(train.end(), options.begin(), options.end());
  if (begun) train.push_back("--resume");
  if (!run_step(g, "dcs_train", train, (fs::path(r.folder) / "train.log").string(), stop)) return false;
  std::vector<std::string> evaluate{"--run=" + dcs::absolute_path(r.folder), "--data=" + dcs::absolute_path(r.data)};
  evaluate.insert(evaluate.end(), r.evaluate.begin(), r.evaluate.end());
  if (!run_step(g, "dcs_evaluate", evaluate, (fs::path(r.folder) / "evaluate.log").string(), stop)) return false;
  write_record(r, true);
  return true;
}

// Makes a set with dcs_convert where it is not there. False where it was stopped.
bool make_set(const grid& g, const grid_set& s, const dcs::stop_request& stop) {
  if (fs::exists(s.data) || s.convert.empty()) return true;
  std::printf("set %s: dcs_convert --out %s\n", s.name.c_str(), dcs::printable(s.data).c_str());
  std::fflush(stdout);
  auto arguments = arguments_of({s.convert});
  arguments.push_back("--out=" + dcs::absolute_path(s.data));
  if (s.folds > 0) arguments.push_back("--folds=" + std::to_string(s.folds));
  return run_step(g, "dcs_convert", arguments, (fs::path(g.out) / ("convert-" + s.name + ".log")).string(), stop);
}

}  // namespace

std::vector<grid_run> runs_of(const grid& g) {
  std::vector<grid_run> all;
  for (std::size_t s = 0; s < g.sets.size(); ++s)
    for (std::size_t n = 0; n < g.networks.size(); ++n)
      for (std::size_t v = 0; v < g.variants.size(); ++v)
        for (std::size_t k = 0; k < g.seeds.size(); ++k)
          for (int fold = g.sets[s].folds > 0 ? 0 : -1; fold < g.sets[s].folds; ++fold) {
            grid_run r{s, n, v, k, fold, {}, {}, g.sets[s].data, {}, {}};
            const std::string seed = std::to_string(g.seeds[k]), part = "fold" + std::to_string(fold);
            r.name = g.sets[s].name + "/" + g.networks[n].name + (g.variants[v].name.empty() ? "" : "/" + g.variants[v].name) + "/seed" + seed +
                     (fold >= 0 ? "-" + part : "");
            r.folder = (fs::path(g.out) / r.name).string();
            if (fold >= 0) r.data = (fs::path(r.data) / part).string();
            r.train = arguments_of({g.train, g.sets[s].train, g.networks[n].train, g.variants[v].train});
            r.train.insert(r.train.end(), {"--net=" + g.networks[n].net, "--seed=" + seed});
            r.evaluate = arguments_of({g.evaluate});
            all.push_back(std::move(r));
            if (fold < 0) break;
          }
  return all;
}

bool is_done(const grid_run& r) {
  const auto record = record_of(r);
  return record && record->done && record->train == r.train && record->evaluate == r.evaluate && fs::exists(fs::path(r.folder) / "evaluation.json");
}

grid_outcome do_runs(const grid& g, const std::vector<grid_run>& runs, const dcs::stop_request& stop) {
  grid_outcome outcome;
  std::vector<std::string> without_set(g.sets.size());  // the error of a set that could not be made
  for (std::size_t s = 0; s < g.sets.size() && !stop; ++s) try {
      (void)make_set(g, g.sets[s], stop);
    } catch (const dcs::error& e) {
      without_set[s] = e.what();
    }
  for (std::size_t k = 0; k < runs.size() && !stop; ++k) {
    const grid_run& r = runs[k];
    const auto begin = std::chrono::steady_clock::now();
    const auto say = [&](const std::string& text) {
      std::printf("[%zu/%zu] %s: %s\n", k + 1, runs.size(), r.name.c_str(), text.c_str());
      std::fflush(stdout);
    };
    try {
      if (is_done(r)) {
        ++outcome.skipped, say("done before");
        continue;
      }
      dcs::expect(without_set[r.set].empty(), without_set[r.set]);
      if (!do_run(g, r, stop)) break;
      ++outcome.done, say("done in " + dcs::clock_time(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()));
    } catch (const dcs::error& e) {
      ++outcome.failed, say("failed"), report(r.name + ": " + e.what());
    }
  }
  outcome.signal = stop.reason();
  return outcome;
}

int side_of(const grid_run& r) {
  for (const auto& a : r.train)
    if (a.starts_with("--size=")) {
      const auto side = dcs::parse_whole(a.substr(7));
      dcs::expect(side && *side > 0 && *side <= 4096, a, ": expected a whole number");
      return static_cast<int>(*side);
    }
  return dcs::run_config{}.side;
}

network_cost cost_of(const grid& g, const std::string& net, int side, const dcs::stop_request& stop) {
  const fs::path folder = fs::path(g.out) / "costs";
  const std::string path = (folder / (net + "-" + std::to_string(side) + ".txt")).string();
  // A line "total PARAMETERS MULTIPLY-ADDS".
  const auto read = [&]() -> std::optional<network_cost> {
    if (!fs::exists(path)) return {};
    std::istringstream lines(dcs::io::read_bytes(path, "dcs::grid", 1 << 26));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string first;
      network_cost c;
      if (words >> first >> c.parameters >> c.multiply_adds && first == "total") return c;
    }
    return {};
  };
  if (const auto known = read()) return *known;
  dcs::io::create_folders(folder.string(), "dcs::grid");
  fs::remove(path);
  (void)run_step(g, "dcs_summary", {"--net=" + net, "--size=" + std::to_string(side)}, path, stop);
  const auto c = read();
  dcs::expect(c.has_value(), path, ": dcs_summary prints no line of totals");
  return *c;
}

}  // namespace programs
