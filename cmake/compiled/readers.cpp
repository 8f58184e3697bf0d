// The readers of images and masks, where libpng and libjpeg are installed: see dcs/core/compiled.hpp.
#include <dcs/io/image.hpp>

namespace dcs::io {
DCS_DEFINE_ENTRIES_ONCE(DCS_READER_ENTRIES)
}
