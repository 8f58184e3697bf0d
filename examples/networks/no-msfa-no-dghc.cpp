#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("no-msfa-no-dghc", dcs::dcsnet<dcs::resnet<50>, dcs::models::dcsnet::whole_image<64>, dcs::models::dcsnet::mean_fusion>)
