// Writes a set of one image into a folder and reads it as a data set: what links dcs::io needs no other target. Argument: the folder.
#include <dcs/data/folder.hpp>

#include <filesystem>

int main(int, char** arguments) {
  using namespace dcs;
  const std::filesystem::path set = arguments[1];
  for (const char* kind : {"images", "masks"}) std::filesystem::create_directories(set / "train" / kind);
  const image grey{8, 8, 1, std::vector<std::uint8_t>(64, 200)};
  io::write_png((set / "train/images/a.png").string(), grey);
  io::write_png((set / "train/masks/a.png").string(), grey);
  const sample s = folder_dataset(set.string(), "train", 8).load(0);
  return s.truth.count() == 64 && s.pixels.height == 8 ? 0 : 1;
}
