// Segments images with a trained run: a mask at the image's own size and an overlay each.
#include "command_line.hpp"
#include "session.hpp"

static int body(int argc, char** argv) {
  programs::predict_request c;
  CLI::App app{"Segments images with a run of dcs_train: NAME.mask.png and NAME.overlay.png in --out"};
  app.add_option("--run", c.run, "folder of the run")->required()->check(CLI::ExistingDirectory);
  app.add_option("--out", c.out, "folder for the results")->required();
  programs::add_device(app, c.device);
  app.add_option("--checkpoint", c.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  app.add_flag("--tta", c.augmented, "test-time augmentation: mean over the flips");
  programs::add_tf32(app, c.tf32);
  programs::add_limits(app, c.limits);
  app.add_option("images", c.images, "PNG or JPEG files")->required();
  programs::add_conventions(app, "dcs_predict",
                            {"--run runs/a --out predictions scan.png", "--run runs/a --out predictions --tta --checkpoint last a.png b.jpg"});
  CLI11_PARSE(app, argc, argv);
  programs::make_session(programs::net_of_run(c.run), c.device)->predict(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
