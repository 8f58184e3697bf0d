// Compares runs of dcs_evaluate on the same images: a table of figures with intervals, paired differences from the first run, and p.
#include "command_line.hpp"
#include "comparison_table.hpp"
#include "session.hpp"

static int body(int argc, char** argv) {
  std::vector<std::string> runs, strata(dcs::stratum_names.begin(), dcs::stratum_names.end());
  std::vector<std::string> figures = programs::main_figures;
  std::string format = "markdown";
  dcs::bootstrap_options bootstrap;
  CLI::App app{
      "Compares runs that dcs_evaluate has measured on the same images: means [95 % interval], differences from the first run with the interval of "
      "paired differences, and p of Wilcoxon's signed-rank test"};
  app.add_option("runs", runs, "folders of runs, or their evaluation.json; the first is what the others are compared with")
      ->required()
      ->expected(2, 1000);
  app.add_option("--format", format, "markdown, csv or latex")->capture_default_str()->check(CLI::IsMember({"markdown", "csv", "latex"}));
  app.add_option("--stratum", strata, "sizes of lesions: all, small, medium, large")
      ->capture_default_str()
      ->check(CLI::IsMember(std::vector<std::string>(dcs::stratum_names.begin(), dcs::stratum_names.end())));
  app.add_option("--figures", figures, "figures, or all of them")->capture_default_str();
  programs::add_bootstrap(app, bootstrap);
  programs::add_conventions(app, "dcs_compare",
                            {"runs/a runs/b --format latex", "runs/a runs/b runs/c --stratum small --figures image.dice image.hd95"});
  CLI11_PARSE(app, argc, argv);
  std::vector<programs::stored_evaluation> evaluations;
  std::vector<programs::compared_run> named;
  for (const auto& run : runs) {
    evaluations.push_back(programs::read_evaluation(run));
    named.push_back({run, evaluations.back().method});
  }
  programs::expect_comparable(evaluations);
  bootstrap.level = evaluations.front().how.bootstrap.level;
  std::fputs(programs::table(programs::compared_figures(evaluations, figures, strata, bootstrap), named, format).c_str(), stdout);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_compare", body, argc, argv); }
