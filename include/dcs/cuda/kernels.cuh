// Every kernel of a network, from image to loss to step: a program whose tensors lie on a GPU includes this and cuda/device.cuh.
#pragma once

#include <dcs/cuda/gemm.cuh>
#include <dcs/detect/gather.cuh>
#include <dcs/detect/rpn.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/grad/accumulate.cuh>
#include <dcs/loss/detection.cuh>
#include <dcs/loss/segmentation.cuh>
#include <dcs/ops/attention/cuda.cuh>
#include <dcs/ops/batch_norm/cuda.cuh>
#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/dropout/cuda.cuh>
#include <dcs/ops/layer_norm/cuda.cuh>
#include <dcs/ops/nms/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>
#include <dcs/ops/rearrange/cuda.cuh>
#include <dcs/ops/resize/cuda.cuh>
#include <dcs/ops/roi_align/cuda.cuh>
#include <dcs/ops/softmax/cuda.cuh>
#include <dcs/ops/weighted_sum/cuda.cuh>
#include <dcs/optim/adamw.cuh>
