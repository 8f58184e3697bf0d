#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("paper", dcs::dcsnet<dcs::resnet<50>>)
