#include "pixelwise.hpp"
#include "variants.hpp"

#include <dcs/models/unet/unet.hpp>

namespace compare {
variant unet() { return make_pixelwise<dcs::unet<>>("unet", "False"); }
}  // namespace compare
