// All kernels that a network needs, from image to loss to optimiser step: a program whose tensors are on a GPU includes this besides the network.
// cuda::emulated works with every compiler; with nvcc, cuda::device is available too, with cuDNN and cuBLASLt.
#pragma once

#include <dcs/cuda/gemm.cuh>
#include <dcs/detect/rpn.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/grad/accumulate.cuh>
#include <dcs/loss/classes.cuh>
#include <dcs/loss/detection.cuh>
#include <dcs/ops/attention/cuda.cuh>
#include <dcs/ops/batch_norm/cuda.cuh>
#include <dcs/ops/cast/cuda.cuh>
#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/conv_transpose2d/cuda.cuh>
#include <dcs/ops/dropout/cuda.cuh>
#include <dcs/ops/gather/cuda.cuh>
#include <dcs/ops/laplacian_edges/cuda.cuh>
#include <dcs/ops/layer_norm/cuda.cuh>
#include <dcs/ops/nms/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>
#include <dcs/ops/rearrange/cuda.cuh>
#include <dcs/ops/resize/cuda.cuh>
#include <dcs/ops/roi_align/cuda.cuh>
#include <dcs/ops/softmax/cuda.cuh>
#include <dcs/ops/unfold/cuda.cuh>
#include <dcs/ops/weighted_sum/cuda.cuh>
#include <dcs/optim/adamw.cuh>
#include <dcs/optim/ema.cuh>
#include <dcs/optim/sgd.cuh>
#if defined(__CUDACC__)
#include <dcs/cuda/cublas.cuh>
#include <dcs/cuda/device.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#endif
