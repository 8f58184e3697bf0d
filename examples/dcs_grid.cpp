// Trains and evaluates every network of a file on every set with every seed, as one job that can be stopped and repeated, and prints tables of them.
#include "command_line.hpp"
#include "grid_table.hpp"
#include "session.hpp"

#include <dcs/train/run/lock.hpp>

#include <filesystem>
#include <optional>

namespace {

void list_runs(const std::vector<programs::grid_run>& runs) {
  for (const auto& r : runs) {
    std::string train;
    for (const auto& a : r.train) train += " " + a;
    std::printf("%s: %s: dcs_train%s\n", r.name.c_str(), programs::is_done(r) ? "done" : "to do", dcs::printable(train).c_str());
  }
}

// Prints the tables, and keeps them beside the runs. Returns the number of rows that have no cost, though they should.
std::size_t write_tables(const programs::grid& g, const std::vector<programs::grid_run>& runs, const std::string& format,
                         const dcs::stop_request& stop) {
  if (g.tables.empty()) return 0;
  const auto tables = programs::tables_of(g, runs, format, stop);
  if (stop) return 0;
  const char* extension = format == "csv" ? ".csv" : format == "latex" ? ".tex" : ".md";
  dcs::io::write_bytes((std::filesystem::path(g.out) / "tables").string() + extension, "dcs::grid", tables.text);
  std::fputs(("\n" + tables.text).c_str(), stdout);
  return tables.without_cost;
}

// Does the runs, unless tables alone are wanted, and prints the tables. Returns the exit code.
int run(const programs::grid& g, const std::vector<programs::grid_run>& runs, const std::string& format, bool tables_alone) {
  dcs::stop_request stop;
  const dcs::stop_on_signals signals(stop);
  std::optional<dcs::run_lock> lock;  // tables only read what is done
  programs::grid_outcome outcome;
  std::size_t without_cost = 0;
  if (tables_alone) {
    dcs::expect(std::filesystem::is_directory(g.out), dcs::printable(g.out), ": there are no runs yet");
  } else {
    dcs::io::create_folders(g.out, "dcs::grid");
    lock.emplace(g.out);
    outcome = programs::do_runs(g, runs, stop);
    std::printf("%zu done, %zu done before, %zu failed, of %zu runs\n", outcome.done, outcome.skipped, outcome.failed, runs.size());
  }
  if (!stop) without_cost = write_tables(g, runs, format, stop);
  if (stop) {
    programs::report("stopped by " + std::string(stop.reason() == SIGINT ? "SIGINT" : "SIGTERM") + "; the same command goes on from there");
    return 128 + stop.reason();
  }
  return outcome.failed + without_cost > 0 ? 1 : 0;
}

int body(int argc, char** argv) {
  std::string file, format = "markdown";
  bool list = false, tables = false;
  CLI::App app{
      "Trains and evaluates networks × sets × variants × seeds, each run a folder; runs that are done are left as they are, so that the command may "
      "be repeated until all are. Prints tables of the means with their deviation over seeds. The exit code is 1 where a run failed, or a cost could "
      "not be counted"};
  app.add_option("file", file, "JSON file of the grid (docs/grid.md)")->required();
  app.add_option("--format", format, "of tables: markdown, csv or latex")->capture_default_str()->check(CLI::IsMember({"markdown", "csv", "latex"}));
  app.add_flag("--list", list, "print the runs, and do none");
  app.add_flag("--tables", tables, "print the tables of the runs that are done, and do none");
  programs::add_conventions(app, "dcs_grid", {"grid.json --list", "grid.json"});
  CLI11_PARSE(app, argc, argv);
  const programs::grid g = programs::read_grid(file);
  const auto runs = programs::runs_of(g);
  if (list) return list_runs(runs), 0;
  return run(g, runs, format, tables);
}

}  // namespace

int main(int argc, char** argv) { return programs::guarded("dcs_grid", body, argc, argv); }
