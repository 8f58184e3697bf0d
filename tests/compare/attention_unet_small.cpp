#include "pixelwise.hpp"
#include "variants.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

namespace compare {
variant attention_unet_small() { return make_pixelwise<dcs::attention_unet<4>>("attention-unet", "True"); }
}  // namespace compare
