#include "../network.hpp"

#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

DCS_NETWORK("mask-rcnn-small-scratch", dcs::mask_rcnn<dcs::resnet<18, dcs::nn::batch_norm>, 64>)
