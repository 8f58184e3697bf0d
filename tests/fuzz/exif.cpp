// io/exif.hpp: whatever the block holds, it states an orientation.
#include "target.hpp"

#include <dcs/io/exif.hpp>

DCS_FUZZ_TARGET(exif) {
  const int orientation = dcs::io::exif_orientation(bytes);
  fuzz::check(orientation >= 1 && orientation <= 8, "an orientation is 1 to 8");
}
