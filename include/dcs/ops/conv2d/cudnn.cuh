// Convolutions of cuda::device by cuDNN 9, through the C interface of its graphs. A convolution and what of its epilogue there is (shift, residual,
// ReLU) is one graph, whose inner results are virtual. The first time that a shape is met the engines that the heuristics name are tried in their
// order, the first few that work are timed, and the fastest is kept as a plan: by geometry, element type and epilogue, on each thread. Engines whose
// results depend on the order of atomics are passed over, and so are, for f32 unless TF32 is allowed, those that round their inputs. Where no engine
// takes the whole graph, the bare convolution runs and a kernel of ours (cuda/epilogue.cuh) follows it.
#pragma once

#include <dcs/cuda/library.cuh>
#include <dcs/ops/conv2d/cuda.cuh>

#include <array>
#include <map>
#include <memory>

#include <cudnn.h>

namespace dcs::cuda {

/// Throws dcs::error with cuDNN's words where a call failed.
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

enum class convolution_pass : std::int64_t { forward, data_gradient, weight_gradient };

// Which convolution a plan is for.
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
struct bound_tensor {
  std::int64_t name;
  const void* data;
};

// A graph with the engine that runs it. What it refers to lives as long.
class convolution_plan {
 public:
  explicit convolution_plan(const convolution_problem& p) : problem_(p) { build(); }

  /// Chooses among the engines; false where none takes the graph.
  bool choose(const std::vector<bound_tensor>& tensors) {
    const auto& o = library_options::get();
    float best = 0;
    int tried = 0;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      for (const auto& configuration : configurations(mode)) {
        if (tried >= std::max(o.candidates, 1)) return true;
        if (!allowed(*configuration)) continue;
        auto plan = make_node(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan->set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, cudnn()).set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, *configuration);
        if (cudnnBackendFinalize(plan->get()) != CUDNN_STATUS_SUCCESS) continue;
        std::int64_t bytes = 0, count = 0;
        expect_success(cudnnBackendGetAttribute(plan->get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes),
                       "cudnnBackendGetAttribute");
        if (bytes > o.most_workspace) continue;
        float time = 0;
        if (o.candidates > 1 ? !timed(*plan, bytes, tensors, time) : execute(*plan, bytes, tensors) != CUDNN_STATUS_SUCCESS) continue;
        if (!plan_ || time < best) plan_ = plan, configuration_ = configuration, workspace_ = bytes, best = time;
        ++tried;
      }
      if (plan_) return true;
    }
    return false;
  }
  void run(const std::vector<bound_tensor>& tensors) const { expect_success(execute(*plan_, workspace_, tensors), "cudnnBackendExecute"); }

 private:
  node_ptr tensor(std::int64_t name, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, bool inner = false) {
    // Sizes in the order N,C,H,W, whatever lies where; memory is channels last.
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
      if (problem_.shift) add(CUDNN_POINTWISE_ADD, tensor(name_shift, 1, g.out_c, 1, 1), !problem_.residual && !problem_.relu);
      if (problem_.residual) add(CUDNN_POINTWISE_ADD, tensor(name_residual, g.batch, g.out_c, g.out_h, g.out_w), !problem_.relu);
      if (problem_.relu) add(CUDNN_POINTWISE_RELU_FWD, nullptr, true);
    }
    std::vector<cudnnBackendDescriptor_t> all;
    for (const auto& op : ops) all.push_back(op->get()), keep_.push_back(op);
    graph_ = make_node(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph_->set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(all.size()), all.data());
    graph_->set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, cudnn()).finalize();
  }

  // What the heuristics name, best first; none where they do not know the graph.
  std::vector<node_ptr> configurations(cudnnBackendHeurMode_t mode) const {
    graph_node heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, *graph_).set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
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
    const bool rounds = problem_.type == CUDNN_DATA_FLOAT && !library_options::get().tf32;
    for (std::int64_t i = 0; i < count; ++i) {
      if (notes[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC || notes[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) return false;
      if (rounds && (notes[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || notes[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) return false;
    }
    return true;
  }

  static cudnnStatus_t execute(const graph_node& plan, std::int64_t bytes, const std::vector<bound_tensor>& tensors) {
    std::vector<std::int64_t> names;
    std::vector<const void*> data;
    for (const auto& t : tensors) names.push_back(t.name), data.push_back(t.data);
    void* work = library_workspace(bytes);
    graph_node pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, static_cast<std::int64_t>(names.size()), names.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, static_cast<std::int64_t>(data.size()), data.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &work).finalize();
    return cudnnBackendExecute(cudnn(), plan.get(), pack.get());
  }
  // Milliseconds of a run after one to warm up; false where it fails.
  static bool timed(const graph_node& plan, std::int64_t bytes, const std::vector<bound_tensor>& tensors, float& time) {
    if (execute(plan, bytes, tensors) != CUDNN_STATUS_SUCCESS) return false;
    cudaEvent_t begin = nullptr, end = nullptr;
    expect_success(cudaEventCreate(&begin), "cudaEventCreate");
    expect_success(cudaEventCreate(&end), "cudaEventCreate");
    expect_success(cudaEventRecord(begin, stream()), "cudaEventRecord");
    const auto status = execute(plan, bytes, tensors);
    expect_success(cudaEventRecord(end, stream()), "cudaEventRecord");
    expect_success(cudaEventSynchronize(end), "cudaEventSynchronize");
    expect_success(cudaEventElapsedTime(&time, begin, end), "cudaEventElapsedTime");
    cudaEventDestroy(begin), cudaEventDestroy(end);
    return status == CUDNN_STATUS_SUCCESS;
  }

  convolution_problem problem_;
  std::vector<node_ptr> keep_;
  node_ptr graph_, configuration_, plan_;
  std::int64_t workspace_ = 0, inner_ = 0;
};

// Runs the plan of a problem; false where cuDNN has none.
inline bool run_convolution(const convolution_problem& p, const std::vector<bound_tensor>& tensors) {
  thread_local std::map<convolution_problem::key_type, std::unique_ptr<convolution_plan>> plans;
  const auto [at, is_new] = plans.try_emplace(p.key());
  if (is_new) {
    if (capturing) {
      plans.erase(at);
      fail(
          "dcs::conv2d: a convolution is met first while a graph is captured, where its engines cannot be timed; expected a step before the capture");
    }
    auto plan = std::make_unique<convolution_plan>(p);
    if (plan->choose(tensors)) at->second = std::move(plan);
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
