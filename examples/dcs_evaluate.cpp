// Evaluates a run, or several together, on a split: figures per image, per lesion and of the set to evaluation.json, overlays, and lines of means.
#include "evaluation.hpp"
#include "member_flags.hpp"

#include <stdexcept>

static int body(int argc, char** argv) {
  programs::evaluate_request c;
  CLI::App app{"Evaluates a run of dcs_train, or several together. The last line holds the means; missed counts images whose lesion was not found"};
  programs::add_runs(app, c);
  app.add_option("--out", c.out, "folder for evaluation.json and overlays (default: the run's; required with several)");
  app.add_option("--data", c.data, "folder of the set (default: the run's)");
  app.add_option("--split", c.split, "split")->capture_default_str();
  app.add_option("--boxes", c.boxes, "regions: detected, or truth (the paper's Table 1)")
      ->capture_default_str()
      ->check(CLI::IsMember({"detected", "truth"}));
  programs::add_finishing(app, c.finish);
  app.add_flag("--native", c.native, "measure at the images' own size: the probability is brought to it, then cut");
  app.add_option("--overlays", c.overlays, "pictures to draw")->capture_default_str()->check(programs::whole_number());
  programs::add_measuring(app, c.how);
  programs::add_limits(app, c.limits);
  programs::add_skip_bad(app, c.skip_bad);
  programs::add_conventions(app, "dcs_evaluate", {"--run runs/a", "--run runs/a --split val --tta --native --overlays 12"});
  CLI11_PARSE(app, argc, argv);
  if (c.finish.augmented.value_or(false) && c.boxes == "truth") throw std::runtime_error("--tta: averages over detections; not with --boxes truth");
  programs::check(c.how);
  programs::evaluate(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_evaluate", body, argc, argv); }
