// Segments images and volumes with a trained run: masks at their own size, probabilities, overlays, boxes and a table of lesions.
#include "command_line.hpp"
#include "session.hpp"
#include "volume_flags.hpp"

static int body(int argc, char** argv) {
  programs::predict_request c;
  CLI::App app{
      "Segments images with a run of dcs_train: in --out NAME.mask.png and NAME.overlay.png of an image, NAME.mask.nii.gz of a volume, and of all "
      "predictions.json, coco.json and lesions.csv. Files that fail are named at the end; the exit code is then 1"};
  app.add_option("--run", c.run, "folder of the run")->required()->check(CLI::ExistingDirectory);
  app.add_option("--out", c.out, "folder for the results")->required();
  programs::add_device(app, c.device);
  app.add_option("--checkpoint", c.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  app.add_flag("--tta", c.augmented, "test-time augmentation: mean over the flips");
  app.add_option("--probabilities", c.probabilities,
                 "write probabilities too: png (16 bits, 65535 is 1) or npy (f32); those of a volume are NIfTI either way")
      ->check(CLI::IsMember({"png", "npy"}));
  app.add_flag("!--no-overlays", c.overlays, "draw no overlays");
  programs::add_spacing(app, c.spacing, "distance of rows and of columns in mm (default: what a volume or the spacing.csv of an image's set says)");
  programs::add_volume_flags(app, c.volume);
  programs::add_tf32(app, c.tf32);
  programs::add_limits(app, c.limits);
  app.add_option("images", c.images, "images (PNG, JPEG, TIFF), volumes (NIfTI), folders of them, or lists (NAME.txt, a path in each line)")
      ->required();
  programs::one_line_mistakes(app);
  CLI11_PARSE(app, argc, argv);
  programs::make_session(programs::net_of_run(c.run), c.device)->predict(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
