// What the targets of the formats of images share: each way to read a file, of at most 65536 pixels.
#pragma once

#include "target.hpp"

#include <dcs/io/image.hpp>

namespace fuzz {

inline void read_all_ways(std::string_view bytes) {
  static const memory_file file;
  const std::string path = file.with(bytes);
  const dcs::io::image_limits limits{1 << 16, 20};
  dcs::warning_log::get().clear();
  accepts([&] {
    const dcs::image i = dcs::io::read_image(path, limits);
    check(static_cast<std::int64_t>(i.pixels.size()) == i.height * i.width * i.channels, "an image has its pixels");
  });
  accepts([&] {
    const dcs::mask m = dcs::io::read_mask(path, limits);
    check(static_cast<std::int64_t>(m.pixels.size()) == m.height * m.width, "a mask has its pixels");
  });
  accepts([&] { dcs::io::read_labels(path, limits); });
  accepts([&] { dcs::io::read_values(path, limits); });
}

}  // namespace fuzz
