#include "../network.hpp"

#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

DCS_NETWORK("mask-rcnn", dcs::mask_rcnn<dcs::resnet<50>>)
