// The DSL: tensors, expressions, gradients, every op, layers and losses. Networks (models/), detection (detect/), files (io/), data sets (data/),
// optimisers (optim/), training (train/), the state dict (nn/state_dict.hpp) and views of other libraries (interop/) are included by name.
#pragma once

#include <dcs/expr/gradcheck.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/nn/transformer.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>
