#include "grid_runs.hpp"

#include "child_process.hpp"
#include "grid_record.hpp"
#include "session.hpp"

#include <dcs/core/parse.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/progress.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>

#include <unistd.h>

namespace programs {

namespace {

namespace fs = std::filesystem;

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
  const bool begun = dcs::run_folder(r.folder).has_checkpoint();
  if (begun) expect_resumable(r, read_record(r));
  dcs::io::create_folders(r.folder, "dcs::grid");
  write_record(r, record_now(r, false));
  std::vector<std::string> train{"--out=" + dcs::absolute_path(r.folder), "--data=" + dcs::absolute_path(r.data)};
  const auto options = begun ? resuming_arguments(r) : r.train;
  train.insert(train.end(), options.begin(), options.end());
  if (begun) train.push_back("--resume");
  if (!run_step(g, "dcs_train", train, (fs::path(r.folder) / "train.log").string(), stop)) return false;
  std::vector<std::string> evaluate{"--run=" + dcs::absolute_path(r.folder), "--data=" + dcs::absolute_path(r.data)};
  evaluate.insert(evaluate.end(), r.evaluate.begin(), r.evaluate.end());
  if (!run_step(g, "dcs_evaluate", evaluate, (fs::path(r.folder) / "evaluate.log").string(), stop)) return false;
  write_record(r, record_now(r, true));
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
            grid_run r{s, n, v, k, fold, {}, {}, g.sets[s].data, {}, {}, {}};
            const std::string seed = std::to_string(g.seeds[k]), part = "fold" + std::to_string(fold);
            r.name = g.sets[s].name + "/" + g.networks[n].name + (g.variants[v].name.empty() ? "" : "/" + g.variants[v].name) + "/seed" + seed +
                     (fold >= 0 ? "-" + part : "");
            r.folder = (fs::path(g.out) / r.name).string();
            if (fold >= 0) r.data = (fs::path(r.data) / part).string();
            r.train = arguments_of({g.train, g.sets[s].train, g.networks[n].train, g.variants[v].train});
            r.train.insert(r.train.end(), {"--net=" + g.networks[n].net, "--seed=" + seed});
            std::sort(r.train.begin(), r.train.end());  // the order of flags in the file means nothing
            r.evaluate = arguments_of({g.evaluate});
            std::sort(r.evaluate.begin(), r.evaluate.end());
            if (const auto plan = value_of(r.train, "plan")) r.plan = (fs::path(g.folder) / *plan).string();
            all.push_back(std::move(r));
            if (fold < 0) break;
          }
  return all;
}

bool is_done(const grid_run& r) {
  const auto record = read_record(r);
  return record && record->done && !record->evaluation.empty() && *record == record_now(r, true);
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
  return outcome;
}

std::optional<int> side_of(const grid_run& r) {
  if (const auto side = config_number(r, "side")) return static_cast<int>(*side);
  if (const auto size = value_of(r.train, "size")) {
    const auto side = dcs::parse_whole(*size);
    dcs::expect(side && *side > 0 && *side <= 4096, "--size=", *size, ": expected a whole number");
    return static_cast<int>(*side);
  }
  return r.plan.empty() ? std::optional(dcs::run_config{}.side) : std::nullopt;
}

std::optional<network_cost> cost_of(const grid& g, const std::string& net, int side, const dcs::stop_request& stop) {
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
  if (const auto known = read()) return known;
  dcs::io::create_folders(folder.string(), "dcs::grid");
  const std::string log = path + "." + std::to_string(::getpid()) + ".log";  // its own: tables may be asked for by several at once
  if (!run_step(g, "dcs_summary", {"--net=" + net, "--size=" + std::to_string(side)}, log, stop)) return {};
  fs::rename(log, path);
  const auto c = read();
  dcs::expect(c.has_value(), path, ": dcs_summary prints no line of totals");
  return c;
}

}  // namespace programs
