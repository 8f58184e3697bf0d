// Writes the report of each run: RUN/report.html.
#include "command_line.hpp"
#include "report.hpp"
#include "session.hpp"

static int body(int argc, char** argv) {
  std::vector<std::string> runs;
  int overlays = 24;
  CLI::App app{
      "Writes RUN/report.html of each run: one page, to be opened offline, of configuration, curves, measures and overlays, the worst first"};
  app.add_option("runs", runs, "folders of runs")->required()->check(CLI::ExistingDirectory);
  app.add_option("--overlays", overlays, "pictures at most")->capture_default_str()->check(programs::whole_number());
  programs::add_conventions(app, "dcs_report", {"runs/a", "runs/a runs/b --overlays 100"});
  CLI11_PARSE(app, argc, argv);
  for (const auto& run : runs) std::printf("%s\n", dcs::printable(programs::write_report(run, overlays)).c_str());
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_report", body, argc, argv); }
