#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("resnet18-128", dcs::dcsnet<dcs::resnet<18>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<4, 8>, 128>)
