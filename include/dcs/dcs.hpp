// The DSL: tensors, expressions, gradients, every op, layers and losses. Networks (models/), detection (detect/), files (io/), data sets (data/),
// optimisers (optim/), training (train/), the state dict (nn/state_dict.hpp) and views of other libraries (interop/) are included by name.
#pragma once

// In this order each header is included here first, so that the "In file included from" of a compiler's message is this file and the user's own.
// clang-format off
#include <dcs/core/version.hpp>
#include <dcs/core/extent.hpp>
#include <dcs/core/shape.hpp>
#include <dcs/core/operand.hpp>
#include <dcs/grad/var.hpp>
#include <dcs/expr/eval.hpp>
#include <dcs/expr/pointwise.hpp>
#include <dcs/expr/activations.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/dropout/dropout.hpp>
#include <dcs/ops/gather/gather.hpp>
#include <dcs/ops/layer_norm/layer_norm.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/nms/nms.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/reshape.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/pad/pad.hpp>
#include <dcs/ops/einsum/einsum.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/softmax/softmax.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/group_norm/group_norm.hpp>
#include <dcs/ops/unfold/unfold.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>
#include <dcs/loss/functions.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/nn/parameter.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/nn/layers_1d_3d.hpp>
#include <dcs/nn/norms.hpp>
#include <dcs/nn/attention.hpp>
#include <dcs/nn/transformer.hpp>
#include <dcs/nn/embedding.hpp>
#include <dcs/nn/sequential.hpp>
// clang-format on
