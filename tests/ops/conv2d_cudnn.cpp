// cuDNN's engines for the convolutions of DCSNet on an H200, selected from a description of that GPU: this needs cuDNN but no GPU. Engines are chosen
// and prepared as on the GPU, and not run.
#include <dcs/ops/conv2d/cudnn_graph.cuh>

#include <doctest/doctest.h>

#include <set>

using namespace dcs;
using namespace dcs::cuda::detail;

#if CUDNN_VERSION >= 90800

namespace {

const engine_target& h200() {
  static const auto target = engine_target::described(R"({
    "deviceName": "NVIDIA H200", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0, "pciDeviceId": 0, "multiProcessorCount": 132, "warpSize": 32,
    "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048,
    "maxCtasPerSM": 32, "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
    "maxSharedMemoryPerBlockOptin": 232448, "reservedSharedMemoryPerBlock": 1024, "l2CacheSize": 62914560, "totalGlobalMem": 150109880320,
    "smClockRateKHz": 1980000, "memClockRateKHz": 3201000, "isTccDriver": 0, "supportCoopLaunch": 1})");
  return target;
}

struct layer {
  const char* name;
  int batch, side, in, out, kernel, stride, padding;

  cpu::conv2d_geometry geometry() const {
    const int to = (side + 2 * padding - kernel) / stride + 1;
    return {batch, side, side, in, to, to, out, kernel, kernel, stride, padding, 1, 1};
  }
};

// The convolutions of DCSNet (ResNet-50 and -18, width 256, base 64, four images of 512 × 512 with a RoI each, and one image) that cuDNN gets: 1 × 1
// at stride 1 is a matrix product, depthwise ones are kernels of ours.
std::vector<layer> layers() {
  std::vector<layer> all;
  for (int b : {4, 1}) {
    all.push_back({"stem", b, 512, 3, 64, 7, 2, 3});
    for (int i = 0, side = 128, width = 64; i < 4; ++i, side /= 2, width *= 2) {
      all.push_back({"block, 3 × 3", b, side, width, width, 3, 1, 1});
      all.push_back({"FPN, output", b, side, 256, 256, 3, 1, 1});
      if (i == 3) continue;
      all.push_back({"bottleneck, 3 × 3 with stride", b, side, 2 * width, 2 * width, 3, 2, 1});
      all.push_back({"bottleneck, shortcut", b, side, 4 * width, 8 * width, 1, 2, 0});
      all.push_back({"basic block, 3 × 3 with stride", b, side, width, 2 * width, 3, 2, 1});
      all.push_back({"basic block, shortcut", b, side, width, 2 * width, 1, 2, 0});
    }
    all.push_back({"RPN on P6", b, 8, 256, 256, 3, 1, 1});
    for (int side : {64, 32, 16, 8}) all.push_back({"crop encoder", b, side, 256, 256, 3, 1, 1});
    for (int patch : {8, 4, 2}) all.push_back({"patch embedding", b, 8 * patch, 256, 256, patch, patch, 0});
    all.push_back({"gate, first", b, 64, 1024, 64, 3, 1, 1});
    all.push_back({"gate, second", b, 64, 64, 64, 3, 1, 1});
    all.push_back({"logits, first", b, 64, 256, 128, 3, 1, 1});
    all.push_back({"logits, second", b, 64, 128, 64, 3, 1, 1});
    all.push_back({"edge logits", b, 64, 256, 64, 3, 1, 1});
  }
  return all;
}

// The up-convolutions of a UNet (width 64, four images of 256 × 256), the mask head's of Mask R-CNN, and kernels larger than the stride: each by the
// convolution back, whose data gradient it is.
std::vector<layer> transposed_layers() {
  std::vector<layer> all;
  for (int side = 256, width = 64; width < 1024; side /= 2, width *= 2) all.push_back({"up-convolution", 4, side, width, 2 * width, 2, 2, 0});
  all.push_back({"mask head", 100, 28, 256, 256, 2, 2, 0});
  all.push_back({"3 × 3 with stride", 4, 64, 128, 128, 3, 2, 1});
  all.push_back({"4 × 4 with stride", 4, 64, 128, 64, 4, 2, 1});
  return all;
}

bool has_engine(const convolution_problem& p) {
  const convolution_graph graph(p, h200());
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const auto& configuration : graph.configurations(mode))
      if (graph.plan(configuration).plan) return true;
  return false;
}

struct number_kind {
  const char* name;
  cudnnDataType_t type;
  bool tf32;
};
struct tf32_scope {
  explicit tf32_scope(bool on) { cuda::library_options::get().tf32 = on; }
  ~tf32_scope() { cuda::library_options::get().tf32 = false; }
};

}  // namespace

TEST_CASE("on an H200 cuDNN has an engine for every convolution of DCSNet, forward with each epilogue that the network has, and backward") {
  std::set<std::array<std::int64_t, 18>> known;
  for (const auto& a :
       {number_kind{"f32", CUDNN_DATA_FLOAT, false}, number_kind{"TF32", CUDNN_DATA_FLOAT, true}, number_kind{"bf16", CUDNN_DATA_BFLOAT16, false}}) {
    const tf32_scope tf32(a.tf32);
    for (const auto& l : layers()) {
      const auto g = l.geometry();
      CAPTURE(a.name);
      CAPTURE(l.name);
      CAPTURE(l.batch);
      CAPTURE(l.side);
      const auto check = [&](const convolution_problem& p) {
        if (known.insert(p.key()).second) CHECK(has_engine(p));
      };
      using enum convolution_pass;
      check({g, forward, a.type});
      check({g, forward, a.type, true});
      check({g, forward, a.type, true, false, true});
      check({g, forward, a.type, true, true, true});
      check({g, data_gradient, a.type});
      check({g, weight_gradient, a.type});
    }
  }
  CHECK(known.size() > 400);
}

TEST_CASE("on an H200 cuDNN has an engine for transposed and for dilated convolutions, forward and backward") {
  for (const auto& a :
       {number_kind{"f32", CUDNN_DATA_FLOAT, false}, number_kind{"TF32", CUDNN_DATA_FLOAT, true}, number_kind{"bf16", CUDNN_DATA_BFLOAT16, false}}) {
    const tf32_scope tf32(a.tf32);
    CAPTURE(a.name);
    const auto check = [&](const cpu::conv2d_geometry& g) {
      using enum convolution_pass;
      for (const auto pass : {data_gradient, forward, weight_gradient}) CHECK(has_engine({g, pass, a.type}));
    };
    for (const auto& l : transposed_layers()) {
      CAPTURE(l.name);
      CAPTURE(l.side);
      check(l.geometry());
    }
    for (int dilation : {2, 4, 6}) {
      auto g = layer{"dilated", 4, 32, 256, 256, 3, 1, dilation}.geometry();
      g.out_h = g.out_w = g.in_h, g.dilation = dilation;
      check(g);
    }
  }
}

TEST_CASE("f32 without TF32 has fewer engines than with it: those that round are not used") {
  const auto count = [](bool tf32) {
    const tf32_scope scope(tf32);
    const convolution_graph graph({layer{"", 4, 128, 64, 64, 3, 1, 1}.geometry(), convolution_pass::forward, CUDNN_DATA_FLOAT}, h200());
    int usable = 0;
    for (const auto& configuration : graph.configurations(CUDNN_HEUR_MODE_A)) usable += graph.plan(configuration).plan != nullptr;
    return usable;
  };
  const int exact = count(false), rounded = count(true);
  CHECK(exact > 0);
  CHECK(rounded > exact);
}

TEST_CASE("an engine that needs more workspace than is allowed is not used") {
  const convolution_graph graph({layer{"", 4, 128, 64, 64, 3, 1, 1}.geometry(), convolution_pass::forward, CUDNN_DATA_FLOAT}, h200());
  const std::int64_t usual = cuda::library_options::get().most_workspace;
  cuda::library_options::get().most_workspace = 1 << 20;
  int usable = 0;
  for (const auto& configuration : graph.configurations(CUDNN_HEUR_MODE_A)) {
    const auto engine = graph.plan(configuration);
    usable += engine.plan != nullptr;
    CHECK(engine.workspace <= 1 << 20);
  }
  cuda::library_options::get().most_workspace = usual;
  int all = 0;
  for (const auto& configuration : graph.configurations(CUDNN_HEUR_MODE_A)) all += graph.plan(configuration).plan != nullptr;
  CHECK(all > usable);
}

#endif
