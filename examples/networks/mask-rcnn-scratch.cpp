#include "../network.hpp"

#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

DCS_NETWORK("mask-rcnn-scratch", dcs::mask_rcnn<dcs::resnet<50, dcs::nn::batch_norm>>)
