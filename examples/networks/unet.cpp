#include "../network.hpp"

#include <dcs/models/unet/unet.hpp>

DCS_NETWORK("unet", dcs::unet<>)
