// Writes a set of synthetic images with small lesions in the folder layout that dcs_train reads.
#include "command_line.hpp"
#include "session.hpp"

#include <dcs/data/synthetic_set.hpp>

static int body(int argc, char** argv) {
  std::string out, kind = "mri";
  std::int64_t side = 128;
  int train = 400, val = 40, test = 80;
  std::uint64_t seed = 0;
  CLI::App app{"Writes synthetic images with lesions under 1 % of the pixels: OUT/{train,val,test}/{images,masks}/NNNN.png"};
  app.add_option("--out", out, "folder of the set")->required();
  app.add_option("--kind", kind, "mri, endoscopy or ct")->capture_default_str()->check(CLI::IsMember({"mri", "endoscopy", "ct"}));
  app.add_option("--size", side, "side, pixels")->capture_default_str()->check(CLI::Range(64, 4096));
  app.add_option("--train", train, "images to train on")->capture_default_str()->check(programs::whole_number());
  app.add_option("--val", val, "images to validate")->capture_default_str()->check(programs::whole_number());
  app.add_option("--test", test, "images to test")->capture_default_str()->check(programs::whole_number());
  app.add_option("--seed", seed, "seed")->capture_default_str()->check(programs::digits());
  programs::add_conventions(
      app, "dcs_synthesize",
      {"--out set --kind mri --size 128 --train 16 --val 4 --test 4", "--out polyps --kind endoscopy --size 64 --train 8 --val 2 --test 2 --seed 7"});
  CLI11_PARSE(app, argc, argv);
  const auto modality = kind == "mri" ? dcs::modality::mri : kind == "ct" ? dcs::modality::ct : dcs::modality::endoscopy;
  const auto written = dcs::write_synthetic_set(out, modality, side, seed, {train, val, test});
  std::printf("%s: %lld images of %lld × %lld, lesions cover %.2f %% of the pixels on average\n", dcs::printable(out).c_str(),
              static_cast<long long>(written.images), static_cast<long long>(side), static_cast<long long>(side), 100 * written.lesion_share);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_synthesize", body, argc, argv); }
