// Evaluates a run on a split: figures per image, per lesion and of the set to evaluation.json, overlays, and lines of means.
#include "command_line.hpp"
#include "session.hpp"

#include <stdexcept>

static int body(int argc, char** argv) {
  programs::evaluate_request c;
  CLI::App app{"Evaluates a run of dcs_train. The last line holds the means; missed counts images whose lesion was not found"};
  app.add_option("--run", c.run, "folder of the run")->required()->check(CLI::ExistingDirectory);
  app.add_option("--data", c.data, "folder of the set (default: the run's)");
  programs::add_device(app, c.device);
  app.add_option("--split", c.split, "split")->capture_default_str();
  app.add_option("--boxes", c.boxes, "regions: detected, or truth (the paper's Table 1)")
      ->capture_default_str()
      ->check(CLI::IsMember({"detected", "truth"}));
  app.add_option("--checkpoint", c.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  app.add_flag("--tta", c.augmented, "test-time augmentation: mean over the flips");
  app.add_flag("--native", c.native, "measure at the images' own size: the probability is resized to it, then cut");
  app.add_option("--overlays", c.overlays, "pictures to draw")->capture_default_str()->check(programs::whole_number());
  programs::add_measuring(app, c.how);
  programs::add_tf32(app, c.tf32);
  programs::add_limits(app, c.limits);
  programs::add_skip_bad(app, c.skip_bad);
  programs::add_conventions(app, "dcs_evaluate", {"--run runs/a", "--run runs/a --split val --tta --native --overlays 12"});
  CLI11_PARSE(app, argc, argv);
  if (c.augmented && c.boxes == "truth") throw std::runtime_error("--tta: averages over detections; not with --boxes truth");
  programs::check(c.how);
  programs::make_session(programs::net_of_run(c.run), c.device)->evaluate(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_evaluate", body, argc, argv); }
