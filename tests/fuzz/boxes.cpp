// data/folder_source.hpp: the file of boxes beside the image a.png, 8 × 8, and its mask.
#include "target.hpp"

#include <dcs/data/folder_source.hpp>
#include <dcs/io/png.hpp>

static fuzz::scratch_folder& folder_with_an_image() {
  static fuzz::scratch_folder folder;
  for (const char* kind : {"images", "masks"}) {
    std::filesystem::create_directory(folder / kind);
    dcs::io::write_png(folder / kind + "/a.png", dcs::image{8, 8, 1, std::vector<std::uint8_t>(64, 255)});
  }
  return folder;
}

DCS_FUZZ_TARGET(boxes) {
  static const fuzz::scratch_folder& folder = folder_with_an_image();
  folder.with("kavsir_bboxes.json", bytes);
  dcs::warning_log::get().clear();
  fuzz::accepts([&] { dcs::folder_source(folder.path()).read(0); });
}
