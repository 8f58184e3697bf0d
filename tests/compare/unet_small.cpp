#include "pixelwise.hpp"
#include "variants.hpp"

#include <dcs/models/unet/unet.hpp>

namespace compare {
variant unet_small() { return make_pixelwise<dcs::unet<4>>("unet", "True"); }
}  // namespace compare
