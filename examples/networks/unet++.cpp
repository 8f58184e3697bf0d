#include "../network.hpp"

#include <dcs/models/unet_plus_plus/unet_plus_plus.hpp>

DCS_NETWORK("unet++", dcs::unet_plus_plus<>)
