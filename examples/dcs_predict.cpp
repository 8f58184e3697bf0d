// Segments images and volumes with a trained run: masks at their own size, probabilities, overlays, boxes and a table of lesions.
#include "predict_flags.hpp"

static int body(int argc, char** argv) {
  programs::predict_request c;
  CLI::App app{
      "Segments images with a run of dcs_train: in --out NAME.mask.png and NAME.overlay.png of an image, NAME.mask.nii.gz of a volume, and of all "
      "predictions.json, coco.json and lesions.csv. Files that fail are named at the end; the exit code is then 1"};
  app.add_option("--run", c.run, "folder of the run")->required()->check(CLI::ExistingDirectory);
  programs::add_device(app, c.device);
  app.add_option("--checkpoint", c.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  app.add_flag("--tta", c.augmented, "test-time augmentation: mean over the flips");
  programs::add_tf32(app, c.tf32);
  programs::add_predict_flags(app, c);
  programs::one_line_mistakes(app);
  CLI11_PARSE(app, argc, argv);
  programs::make_session(programs::net_of_run(c.run), c.device)->predict(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
