// Chooses post-processing, temperature and views of a run, or of several together, on its validation images.
#include "member_flags.hpp"
#include "tuned.hpp"

static int body(int argc, char** argv) {
  programs::tune_request c;
  CLI::App app{
      "Chooses by the validation images what dcs_evaluate and dcs_predict make masks with: threshold, smallest component and number of components by "
      "the mean Dice, test-time augmentation where it is better, a temperature by the likelihood. Writes postprocessing.json"};
  programs::add_runs(app, c);
  app.add_option("--out", c.out, "folder for postprocessing.json (default: the run's; required with several)");
  app.add_option("--data", c.data, "folder of the set (default: the first run's)");
  app.add_option("--split", c.split, "split to choose by")->capture_default_str();
  programs::add_limits(app, c.limits);
  programs::add_skip_bad(app, c.skip_bad);
  programs::add_conventions(app, "dcs_tune", {"--run runs/a", "--run runs/a --run runs/b --out runs/both"});
  CLI11_PARSE(app, argc, argv);
  programs::tune(c);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_tune", body, argc, argv); }
