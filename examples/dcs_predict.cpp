// Segments images with a trained run, or several together: a mask at the image's own size and an overlay each.
#include "evaluation.hpp"
#include "member_flags.hpp"

static int body(int argc, char** argv) {
  programs::predict_request c;
  CLI::App app{"Segments images with a run of dcs_train, or several together: NAME.mask.png and NAME.overlay.png in --out"};
  programs::add_runs(app, c);
  app.add_option("--out", c.out, "folder for the results")->required();
  programs::add_finishing(app, c.finish);
  app.add_flag("--deviation", c.deviation, "write NAME.deviation.npy too: each pixel's standard deviation over views and runs");
  programs::add_limits(app, c.limits);
  app.add_option("images", c.images, "PNG or JPEG files")->required();
  programs::one_line_mistakes(app);
  CLI11_PARSE(app, argc, argv);
  programs::predict(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
