#include "pixelwise.hpp"
#include "variants.hpp"

#include <dcs/models/unet_plus_plus/unet_plus_plus.hpp>

namespace compare {
variant unet_plus_plus() { return make_pixelwise<dcs::unet_plus_plus<>>("unet++", "False"); }
}  // namespace compare
