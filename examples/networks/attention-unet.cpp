#include "../network.hpp"

#include <dcs/models/attention_unet/attention_unet.hpp>

DCS_NETWORK("attention-unet", dcs::attention_unet<>)
