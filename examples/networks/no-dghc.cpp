#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("no-dghc", dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::whole_image<64>>)
