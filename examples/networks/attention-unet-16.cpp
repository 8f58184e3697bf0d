#include "../network.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

DCS_NETWORK("attention-unet-16", dcs::attention_unet<16>)
