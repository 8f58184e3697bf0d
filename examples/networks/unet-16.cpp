#include "../network.hpp"

#include <dcs/models/unet/unet.hpp>

DCS_NETWORK("unet-16", dcs::unet<16>)
