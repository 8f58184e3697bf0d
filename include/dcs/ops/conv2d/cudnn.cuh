// Convolutions of cuda::device by cuDNN 9, through the C interface of its graphs. When a thread first computes a convolution of a shape, the engines
// that the heuristics suggest are tried in order, the first few that work are timed, and the fastest is kept as a plan for this geometry, element
// type and epilogue, on this thread. Where no engine supports the whole graph, the convolution runs without its epilogue and a kernel
// (cuda/epilogue.cuh) follows it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/conv2d/cudnn_graph.cuh>

#include <map>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

struct bound_tensor {
  std::int64_t name;
  const void* data;
};

// A graph with the engine that runs it.
class convolution_plan {
 public:
  explicit convolution_plan(const convolution_problem& p) : graph_(p, engine_target::current()) {}

  /// Chooses among the engines; false where none supports the graph.
  bool choose(const std::vector<bound_tensor>& tensors) {
    const int most = std::max(library_options::get().candidates, 1);
    float best = 0;
    int tried = 0;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      for (const auto& configuration : graph_.configurations(mode)) {
        if (tried >= most) return true;
        const engine_plan candidate = graph_.plan(configuration);
        if (!candidate.plan) continue;
        const auto run = [&] { return execute(candidate, tensors) == CUDNN_STATUS_SUCCESS; };
        float time = 0;
        if (!(most > 1 ? timed(run, time) : run())) continue;
        if (!chosen_.plan || time < best) chosen_ = candidate, best = time;
        ++tried;
      }
      if (chosen_.plan) return true;
    }
    return false;
  }
  void run(const std::vector<bound_tensor>& tensors) const { expect_success(execute(chosen_, tensors), "cudnnBackendExecute"); }

 private:
  static cudnnStatus_t execute(const engine_plan& engine, const std::vector<bound_tensor>& tensors) {
    std::vector<std::int64_t> names;
    std::vector<const void*> data;
    for (const auto& t : tensors) names.push_back(t.name), data.push_back(t.data);
    void* work = library_workspace(engine.workspace);
    graph_node pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, static_cast<std::int64_t>(names.size()), names.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, static_cast<std::int64_t>(data.size()), data.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &work).finalize();
    return cudnnBackendExecute(cudnn(), engine.plan->get(), pack.get());
  }

  convolution_graph graph_;
  engine_plan chosen_;
};

// Runs the plan of a problem; false where cuDNN has none.
inline bool run_convolution(const convolution_problem& p, const std::vector<bound_tensor>& tensors) {
  thread_local std::map<convolution_problem::key_type, std::unique_ptr<convolution_plan>> plans;
  auto at = plans.find(p.key());
  if (at == plans.end()) {
    expect(!capturing,
           "dcs::conv2d: a convolution is computed for the first time while a graph is captured, where its engines cannot be timed; run the work "
           "once before the capture");
    auto plan = std::make_unique<convolution_plan>(p);
    if (!plan->choose(tensors)) plan = nullptr;
    at = plans.emplace(p.key(), std::move(plan)).first;
  }
  if (!at->second) return false;
  at->second->run(tensors);
  return true;
}

template <class T>
constexpr cudnnDataType_t cudnn_type() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, bf16>, "dcs::cuda: convolutions on a GPU are of float or bf16");
  return std::is_same_v<T, float> ? CUDNN_DATA_FLOAT : CUDNN_DATA_BFLOAT16;
}
inline void expect_plan(bool ran, const cpu::conv2d_geometry& g, const char* what) {
  expect(ran, "dcs::cuda: cuDNN has no engine for the ", what, " of a convolution of ", g.batch, " × ", g.in_h, " × ", g.in_w, " × ", g.in_c,
         " with ", g.k_h, " × ", g.k_w, " to ", g.out_c, " channels, stride ", g.stride, ", padding ", g.padding, ", dilation ", g.dilation, ", ",
         g.groups, " groups");
}

}  // namespace detail

template <class T>
void library_convolution(device, const cpu::conv2d_geometry& g, const T* x, const T* w, const cpu::epilogue<T>& e, T* y) {
  using namespace detail;
  convolution_problem p{g, convolution_pass::forward, cudnn_type<T>(), e.shift != nullptr, e.residual != nullptr, e.relu};
  std::vector<bound_tensor> tensors{{name_x, x}, {name_w, w}, {name_y, y}};
  if (!p.bare()) {
    auto all = tensors;
    if (e.shift) all.push_back({name_shift, e.shift});
    if (e.residual) all.push_back({name_residual, e.residual});
    if (run_convolution(p, all)) return;
    p.shift = p.residual = p.relu = false;
  }
  expect_plan(run_convolution(p, tensors), g, "result");
  finish(device{}, g.out_pixels(), g.out_c, e, y);
}
template <class T>
void library_data_gradient(device, const cpu::conv2d_geometry& g, const T* dy, const T* w, T* dx) {
  using namespace detail;
  const convolution_problem p{g, convolution_pass::data_gradient, cudnn_type<T>()};
  expect_plan(run_convolution(p, {{name_x, dx}, {name_w, w}, {name_y, dy}}), g, "data gradient");
}
template <class T>
void library_weight_gradient(device, const cpu::conv2d_geometry& g, const T* x, const T* dy, T* dw) {
  using namespace detail;
  const convolution_problem p{g, convolution_pass::weight_gradient, cudnn_type<T>()};
  expect_plan(run_convolution(p, {{name_x, x}, {name_w, dw}, {name_y, dy}}), g, "weight gradient");
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
