// Segments images and volumes with a trained run, or several together: masks at their own size, probabilities, overlays, boxes and a table of
// lesions.
#include "member_flags.hpp"
#include "predict_flags.hpp"
#include "predictions.hpp"

static int body(int argc, char** argv) {
  programs::predict_request c;
  CLI::App app{
      "Segments images with a run of dcs_train, or several together: in --out NAME.mask.png and NAME.overlay.png of an image, NAME.mask.nii.gz of a "
      "volume, and of all predictions.json, coco.json and lesions.csv. Files that fail are named at the end; the exit code is then 1"};
  programs::add_runs(app, c);
  programs::add_finishing(app, c.finish);
  programs::add_predict_flags(app, c);
  programs::add_conventions(app, "dcs_predict",
                            {"--run runs/a --out predictions scan.png", "--run runs/a --run runs/b --out predictions --probabilities png scans",
                             "--run runs/a --out predictions --tta --checkpoint last volume.nii.gz"});
  CLI11_PARSE(app, argc, argv);
  programs::predict(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_predict", body, argc, argv); }
