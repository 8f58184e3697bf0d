#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("base-32", dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<32>>)
