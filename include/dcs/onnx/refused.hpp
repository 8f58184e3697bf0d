// What has no export. An op of training that a network applies is a compile-time error that names it. Gradients are never asked for, as an export is
// of tensors; but the bodies of ops that link the archive of kernels are compiled with their backward steps (expr/run_chain.hpp), so the names exist.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/onnx/device.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

#define DCS_ONNX_REFUSE(entry, op)                                                                                \
  template <class... A>                                                                                           \
  void entry(device, A...) {                                                                                      \
    static_assert(sizeof...(A) == 1000, "dcs::onnx: " op " has no export: a network is exported as it predicts"); \
  }
DCS_ONNX_REFUSE(dropout_apply, "dcs::dropout with p > 0")
DCS_ONNX_REFUSE(convert, "dcs::cast")
DCS_ONNX_REFUSE(laplacian_edges_forward, "dcs::laplacian_edges")
DCS_ONNX_REFUSE(cross_entropy_forward, "dcs::loss::cross_entropy")
DCS_ONNX_REFUSE(class_cross_entropy_forward, "dcs::loss::cross_entropy of classes")
DCS_ONNX_REFUSE(one_hot_forward, "dcs::loss::one_hot")
#undef DCS_ONNX_REFUSE

namespace detail {
[[noreturn]] inline void refuse_gradient(const char* entry) { fail("dcs::onnx: ", entry, ": a gradient is asked for; an export is of tensors"); }
}  // namespace detail

// The first template argument is one that the caller may name.
#define DCS_ONNX_GRADIENT(entry)        \
  template <class T = void, class... A> \
  void entry(device, A...) {            \
    detail::refuse_gradient(#entry);    \
  }
DCS_ONNX_GRADIENT(add_into)
DCS_ONNX_GRADIENT(attention_backward)
DCS_ONNX_GRADIENT(avg_pool_backward)
DCS_ONNX_GRADIENT(chain_backward)
DCS_ONNX_GRADIENT(conv2d_data_gradient)
DCS_ONNX_GRADIENT(conv2d_weight_gradient)
DCS_ONNX_GRADIENT(gather_rows_backward)
DCS_ONNX_GRADIENT(layer_norm_backward)
DCS_ONNX_GRADIENT(max_pool_backward)
DCS_ONNX_GRADIENT(norm_backward)
DCS_ONNX_GRADIENT(norm_forward)
DCS_ONNX_GRADIENT(norm_statistics)
DCS_ONNX_GRADIENT(relu_gradient)
DCS_ONNX_GRADIENT(resize_backward)
DCS_ONNX_GRADIENT(roi_align_backward)
DCS_ONNX_GRADIENT(scaled_weights)
DCS_ONNX_GRADIENT(softmax_backward)
DCS_ONNX_GRADIENT(sum_rows)
#undef DCS_ONNX_GRADIENT
template <int K, class... A>
void weighted_sum_backward(device, A...) {
  detail::refuse_gradient("weighted_sum_backward");
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
