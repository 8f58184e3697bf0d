#include "pixelwise.hpp"
#include "variants.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

namespace compare {
variant attention_unet() { return make_pixelwise<dcs::attention_unet<>>("attention-unet", "False"); }
}  // namespace compare
