// Writes a set of synthetic images with small lesions in the folder layout that dcs_train reads.
#include "command_line.hpp"
#include "session.hpp"

#include <dcs/data/synthesize.hpp>
#include <dcs/io/file.hpp>
#include <dcs/io/image.hpp>

#include <filesystem>

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
  programs::one_line_mistakes(app);
  CLI11_PARSE(app, argc, argv);
  for (const char* split : {"train", "val", "test"})
    dcs::expect(!std::filesystem::exists(std::filesystem::path(out) / split), out, " holds a set already; another --out makes a new one");
  const auto modality = kind == "mri" ? dcs::modality::mri : kind == "ct" ? dcs::modality::ct : dcs::modality::endoscopy;
  std::uint64_t index = 0;
  double share = 0;
  for (const auto& [split, count] : {std::pair("train", train), std::pair("val", val), std::pair("test", test)}) {
    const auto folder = std::filesystem::path(out) / split;
    for (const char* part : {"images", "masks"})
      if (count > 0) dcs::io::create_folders((folder / part).string(), "dcs::synthesize");
    for (int i = 0; i < count; ++i, ++index) {
      const auto s = dcs::synthesize(modality, side, seed, index);
      char name[32];
      std::snprintf(name, sizeof name, "%06llu.png", static_cast<unsigned long long>(index));
      dcs::io::write_png((folder / "images" / name).string(), s.pixels);
      dcs::image m{side, side, 1, s.truth.pixels};
      for (auto& p : m.pixels) p = static_cast<std::uint8_t>(p * 255);
      dcs::io::write_png((folder / "masks" / name).string(), m);
      share += static_cast<double>(s.truth.count()) / static_cast<double>(side * side);
    }
  }
  std::printf("%s: %llu images of %lld × %lld, lesions cover %.2f %% of the pixels on average\n", dcs::printable(out).c_str(),
              static_cast<unsigned long long>(index), static_cast<long long>(side), static_cast<long long>(side),
              index ? 100 * share / static_cast<double>(index) : 0.0);
  return 0;
}

int main(int argc, char** argv) { return programs::guarded("dcs_synthesize", body, argc, argv); }
