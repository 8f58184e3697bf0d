// What ops share of cuDNN 9: descriptors of its graph interface, this thread's handle, and the GPU that engines are chosen for.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/library.cuh>

#include <memory>
#include <string>

#include <cudnn.h>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Throws dcs::error with cuDNN's message where a call failed.
inline void expect_success(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char words[512] = "";
  cudnnGetLastErrorString(words, sizeof words);
  fail("dcs::cuda: ", call, ": ", cudnnGetErrorString(status), words[0] ? ": " : "", words);
}

namespace detail {

/// A descriptor of cuDNN.
class graph_node {
 public:
  explicit graph_node(cudnnBackendDescriptorType_t type) {
    expect_success(cudnnBackendCreateDescriptor(type, &made_), "cudnnBackendCreateDescriptor");
  }
  graph_node(const graph_node&) = delete;
  graph_node& operator=(const graph_node&) = delete;
  ~graph_node() { cudnnBackendDestroyDescriptor(made_); }

  graph_node& set(cudnnBackendAttributeName_t what, cudnnBackendAttributeType_t type, std::int64_t count, const void* values) {
    expect_success(cudnnBackendSetAttribute(made_, what, type, count, values), "cudnnBackendSetAttribute");
    return *this;
  }
  graph_node& set(cudnnBackendAttributeName_t what, std::int64_t v) { return set(what, CUDNN_TYPE_INT64, 1, &v); }
  graph_node& set(cudnnBackendAttributeName_t what, cudnnDataType_t v) { return set(what, CUDNN_TYPE_DATA_TYPE, 1, &v); }
  graph_node& set(cudnnBackendAttributeName_t what, float v) { return set(what, CUDNN_TYPE_FLOAT, 1, &v); }
  graph_node& set(cudnnBackendAttributeName_t what, cudnnHandle_t v) { return set(what, CUDNN_TYPE_HANDLE, 1, &v); }
  graph_node& set(cudnnBackendAttributeName_t what, const graph_node& v) { return set(what, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &v.made_); }
  graph_node& finalize() {
    expect_success(cudnnBackendFinalize(made_), "cudnnBackendFinalize");
    return *this;
  }
  cudnnBackendDescriptor_t get() const { return made_; }

 private:
  cudnnBackendDescriptor_t made_ = nullptr;
};
using node_ptr = std::shared_ptr<graph_node>;
inline node_ptr make_node(cudnnBackendDescriptorType_t type) { return std::make_shared<graph_node>(type); }

inline cudnnHandle_t cudnn() {
  thread_local const cudnnHandle_t handle = [] {
    cudnnHandle_t made = nullptr;
    expect_success(cudnnCreate(&made), "cudnnCreate");
    expect_success(cudnnSetStream(made, stream()), "cudnnSetStream");
    return made;
  }();
  return handle;
}

/// The GPU that engines are chosen for.
class engine_target {
 public:
  /// The GPU of this thread.
  static engine_target current() { return engine_target(); }
#if CUDNN_VERSION >= 90800
  /// A GPU that this machine need not have, from cuDNN's description of it (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION; cuDNN 9.8 or later). Engines
  /// that are compiled at run time need a driver even so.
  static engine_target described(const std::string& json) {
    engine_target t;
    t.properties_ = make_node(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    t.properties_->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, static_cast<std::int64_t>(json.size()), json.data()).finalize();
    return t;
  }
#endif
  void of_graph(graph_node& graph) const {
    if (!properties_) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, cudnn());
  }
  void of_heuristics([[maybe_unused]] graph_node& heuristics) const {
#if CUDNN_VERSION >= 90800
    if (properties_) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *properties_);
#endif
  }
  void of_plan(graph_node& plan) const {
#if CUDNN_VERSION >= 90800
    if (properties_) return void(plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *properties_));
#endif
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, cudnn());
  }

 private:
  engine_target() = default;
  node_ptr properties_;
};

}  // namespace detail

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
