#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("paper-scratch", dcs::dcsnet<dcs::resnet<50, dcs::nn::batch_norm>>)
