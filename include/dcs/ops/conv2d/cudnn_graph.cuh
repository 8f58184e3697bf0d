// A convolution with its epilogue (any of residual, shift, ReLU) as one graph of cuDNN 9, whose intermediate results are virtual tensors, and the
// engines that run it. Engines whose results depend on the order of atomics are not used; for f32, unless TF32 is allowed, neither are those that
// round their inputs, or whose transforms lose more accuracy than a sum does.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/cudnn.cuh>
#include <dcs/ops/conv2d/geometry.hpp>

#include <array>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cuda::detail {

enum class convolution_pass : std::int64_t { forward, data_gradient, weight_gradient };

// The convolution that a plan is for.
struct convolution_problem {
  cpu::conv2d_geometry g;
  convolution_pass pass;
  cudnnDataType_t type;
  bool shift = false, residual = false, relu = false;

  bool bare() const { return !shift && !residual && !relu; }
  using key_type = std::array<std::int64_t, 18>;
  key_type key() const {
    return {g.batch,
            g.in_h,
            g.in_w,
            g.in_c,
            g.out_h,
            g.out_w,
            g.out_c,
            g.k_h,
            g.k_w,
            g.stride,
            g.padding,
            g.dilation,
            g.groups,
            static_cast<std::int64_t>(pass),
            type,
            shift,
            residual * 2 + relu,
            library_options::get().tf32};
  }
};

// Names of the tensors of a graph.
enum tensor_name : std::int64_t { name_x = 1, name_w, name_y, name_shift, name_residual, name_inner };

// An engine that is ready to run; none where `plan` is null.
struct engine_plan {
  node_ptr configuration, plan;
  std::int64_t workspace = 0;
};

// Owns the descriptors that the graph refers to.
class convolution_graph {
 public:
  convolution_graph(const convolution_problem& p, const engine_target& target) : problem_(p), target_(target) { build(); }

  /// The engines that the heuristics suggest, best first; none where they do not support the graph.
  std::vector<node_ptr> configurations(cudnnBackendHeurMode_t mode) const {
    graph_node heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, *graph_).set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    target_.of_heuristics(heuristics);
    if (cudnnBackendFinalize(heuristics.get()) != CUDNN_STATUS_SUCCESS) return {};
    std::int64_t count = 0;
    if (cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr) !=
        CUDNN_STATUS_SUCCESS)
      return {};
    std::vector<node_ptr> found;
    std::vector<cudnnBackendDescriptor_t> raw;
    for (std::int64_t i = 0; i < count; ++i) found.push_back(make_node(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)), raw.push_back(found.back()->get());
    expect_success(
        cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, raw.data()),
        "cudnnBackendGetAttribute");
    found.resize(static_cast<std::size_t>(count));
    return found;
  }
  /// The engine of a configuration; none where it is excluded (see above) or does not work.
  engine_plan plan(const node_ptr& configuration) const {
    if (!allowed(*configuration)) return {};
    auto made = make_node(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    target_.of_plan(*made);
    made->set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, *configuration);
    if (cudnnBackendFinalize(made->get()) != CUDNN_STATUS_SUCCESS) return {};
    std::int64_t bytes = 0, count = 0;
    expect_success(cudnnBackendGetAttribute(made->get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes),
                   "cudnnBackendGetAttribute");
    if (bytes > library_options::get().most_workspace) return {};
    return {configuration, made, bytes};
  }

 private:
  node_ptr tensor(std::int64_t name, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, bool inner = false) {
    // Sizes are in the order N,C,H,W whatever the memory's layout; strides say that it is channels last.
    const std::int64_t sizes[] = {n, c, h, w}, strides[] = {h * w * c, 1, w * c, c};
    auto t = make_node(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    t->set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name).set(CUDNN_ATTR_TENSOR_DATA_TYPE, inner ? CUDNN_DATA_FLOAT : problem_.type);
    t->set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, sizes).set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    t->set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{16});
    if (inner) t->set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &inner);
    t->finalize();
    keep_.push_back(t);
    return t;
  }
  node_ptr output(bool last) {
    const auto& g = problem_.g;
    return last ? tensor(name_y, g.batch, g.out_c, g.out_h, g.out_w) : tensor(name_inner + inner_++, g.batch, g.out_c, g.out_h, g.out_w, true);
  }
  node_ptr pointwise(cudnnPointwiseMode_t mode, const graph_node& x, const graph_node* b, const graph_node& y) {
    auto what = make_node(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    what->set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT).finalize();
    auto op = make_node(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op->set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, *what).set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b) op->set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    op->set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y).finalize();
    keep_.push_back(what);
    return op;
  }

  void build() {
    const auto& g = problem_.g;
    auto convolution = make_node(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const std::int64_t padding[] = {g.padding, g.padding}, dilation[] = {g.dilation, g.dilation}, stride[] = {g.stride, g.stride};
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    convolution->set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2}).set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    convolution->set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    convolution->set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
    convolution->set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
    convolution->set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    convolution->set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride).finalize();
    keep_.push_back(convolution);
    const auto x = tensor(name_x, g.batch, g.in_c, g.in_h, g.in_w), w = tensor(name_w, g.out_c, g.group_in(), g.k_h, g.k_w);
    std::vector<node_ptr> ops;
    auto pass = [&](cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t x_name, cudnnBackendAttributeName_t w_name,
                    cudnnBackendAttributeName_t y_name, cudnnBackendAttributeName_t convolution_name, cudnnBackendAttributeName_t alpha,
                    cudnnBackendAttributeName_t beta, const graph_node& y) {
      auto op = make_node(type);
      op->set(x_name, *x).set(w_name, *w).set(y_name, y).set(convolution_name, *convolution).set(alpha, 1.0f).set(beta, 0.0f).finalize();
      ops.push_back(op);
    };
    if (problem_.pass == convolution_pass::data_gradient) {
      pass(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, *output(true));
    } else if (problem_.pass == convolution_pass::weight_gradient) {
      pass(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, *output(true));
    } else {
      auto y = output(problem_.bare());
      pass(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, *y);
      auto add = [&](cudnnPointwiseMode_t what, const node_ptr& operand, bool last) {
        const auto next = output(last);
        ops.push_back(pointwise(what, *y, operand.get(), *next));
        y = next;
      };
      // The order that cuDNN's precompiled engines support: with the shift before the residual, only engines that are compiled at run time remain.
      if (problem_.residual) add(CUDNN_POINTWISE_ADD, tensor(name_residual, g.batch, g.out_c, g.out_h, g.out_w), !problem_.shift && !problem_.relu);
      if (problem_.shift) add(CUDNN_POINTWISE_ADD, tensor(name_shift, 1, g.out_c, 1, 1), !problem_.relu);
      if (problem_.relu) add(CUDNN_POINTWISE_RELU_FWD, nullptr, true);
    }
    std::vector<cudnnBackendDescriptor_t> all;
    for (const auto& op : ops) all.push_back(op->get()), keep_.push_back(op);
    graph_ = make_node(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph_->set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(all.size()), all.data());
    target_.of_graph(*graph_);
    graph_->finalize();
  }

  bool allowed(const graph_node& configuration) const {
    graph_node engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t raw = engine.get();
    std::int64_t count = 0;
    expect_success(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &raw),
                   "cudnnBackendGetAttribute");
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    expect_success(
        cudnnBackendGetAttribute(raw, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes),
        "cudnnBackendGetAttribute");
    const bool exact = problem_.type == CUDNN_DATA_FLOAT && !library_options::get().tf32;
    for (std::int64_t i = 0; i < count; ++i) {
      switch (notes[i]) {
        case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
        case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
          return false;
        case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
        case CUDNN_NUMERICAL_NOTE_FFT:
        case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
          if (exact) return false;
          break;
        default:
          break;
      }
    }
    return true;
  }

  convolution_problem problem_;
  engine_target target_;
  std::vector<node_ptr> keep_;
  node_ptr graph_;
  std::int64_t inner_ = 0;
};

}  // namespace dcs::cuda::detail

#include <dcs/core/header_end.inl>
