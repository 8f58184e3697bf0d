#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("no-msfa", dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::dghc<64>, dcs::models::dcsnet::mean_fusion>)
