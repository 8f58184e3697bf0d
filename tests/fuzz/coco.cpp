// data/coco.hpp: annotations of the image a.png, 8 × 8, drawn.
#include "target.hpp"

#include <dcs/data/coco.hpp>
#include <dcs/io/png.hpp>

DCS_FUZZ_TARGET(coco) {
  static const fuzz::scratch_folder folder;
  static const bool written = (dcs::io::write_png(folder / "a.png", dcs::image{8, 8, 1, std::vector<std::uint8_t>(64, 0)}), true);
  fuzz::check(written, "there is an image");
  const std::string path = folder.with("annotations.json", bytes);
  fuzz::accepts([&] {
    const dcs::coco_source source(folder.path(), path);
    for (std::size_t i = 0; i < source.images().size() && i < 4; ++i) fuzz::accepts([&] { source.read(i); });
  });
}
