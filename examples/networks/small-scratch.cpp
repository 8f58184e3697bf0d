#include "../network.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

DCS_NETWORK("small-scratch", dcs::dcsnet<dcs::resnet<18, dcs::nn::batch_norm>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<2, 4>, 32>)
