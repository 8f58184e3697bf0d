// The paper's network on a GPU with maps in bf16: a training step of 4 images, as one graph and as calls, and inference on one image. Lines are "NAME
// milliseconds GB": the median of 30, and the peak of the memory in use. peer_step.py times PyTorch on the same work: 4 true boxes an image, each a
// region of the head. As in the training loop, the next batch is sent while a step runs, and a step's losses are read before the next is launched.
// Usage: bench_gpu_step [side of the images, 512 unless given]
#include <dcs/cuda/graph.cuh>
#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_step.hpp>

#include <chrono>
#include <cstdio>

using namespace dcs;
using namespace dcs::models::dcsnet;
using cuda::device;
using cuda::expect_success;

namespace {

using net_type = dcsnet<resnet<50>, dghc<64>, msfa<4, 8>>;
constexpr int regions = 4;

// Noise with bright squares.
batch random_batch(extent_t images, extent_t side) {
  const random_stream r{1, 0}, boxes = r.child(1), pixels = r.child(2);
  batch b{tensor<float, image_shape>::empty({images, side, side, 3}),
          tensor<float, mask_shape>::zeros({images, side, side, 1}),
          {},
          tensor<float, mask_shape>::zeros({images, side, side, 1})};
  for (extent_t i = 0; i < b.images.size(); ++i) b.images.data()[i] = 2 * pixels.uniform(static_cast<std::uint64_t>(i)) - 1;
  for (extent_t n = 0; n < images; ++n) {
    b.boxes.emplace_back();
    for (int k = 0; k < regions; ++k) {
      const auto draw = [&](int at) { return boxes.uniform(static_cast<std::uint64_t>(4 * (regions * n + k) + at)); };
      const float s = static_cast<float>(side), x = s * (0.1f + 0.8f * draw(0)), y = s * (0.1f + 0.8f * draw(1)), w = 6 + 12 * draw(2),
                  h = 6 + 12 * draw(3);
      const auto box_here = clip(box<float>{x - w, y - h, x + w, y + h}, side, side);
      b.boxes.back().push_back(box_here);
      for (auto i = static_cast<extent_t>(box_here.y1); i < static_cast<extent_t>(box_here.y2); ++i)
        for (auto j = static_cast<extent_t>(box_here.x1); j < static_cast<extent_t>(box_here.x2); ++j)
          b.masks(n, i, j, 0) = 1, b.objects(n, i, j, 0) = static_cast<float>(k + 1);
    }
  }
  return b;
}

// The peak of the memory in use since `begin`.
class memory_peak {
 public:
  memory_peak() {
    int number = 0;
    expect_success(cudaGetDevice(&number), "cudaGetDevice");
    expect_success(cudaDeviceGetMemPool(&pool_, number), "cudaDeviceGetMemPool");
  }
  void begin() const {
    std::uint64_t none = 0;
    expect_success(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrUsedMemHigh, &none), "cudaMemPoolSetAttribute");
  }
  double gigabytes() const {
    std::uint64_t most = 0;
    expect_success(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemHigh, &most), "cudaMemPoolGetAttribute");
    return static_cast<double>(most) / 1e9;
  }

 private:
  cudaMemPool_t pool_ = nullptr;
};

template <class F>
void report(const char* name, const F& f) {
  const memory_peak memory;
  std::vector<double> times;
  for (int i = 0; i < 35; ++i) {
    if (i == 5) device::synchronize(), memory.begin();  // warm
    const auto start = std::chrono::steady_clock::now();
    f();
    if (i >= 5) times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + 15, times.end());
  std::printf("%s %.3f %.3f\n", name, times[15], memory.gigabytes());
  std::fflush(stdout);
}

void train(const char* name, bool capture, extent_t side) {
  const auto net = std::make_unique<net_type>();
  initialize(*net, 0);
  to_device<device>(*net);
  mix_precision<device>(*net);
  basic_adamw<device> optimizer(named_parameters(*net));
  net_type::options o;
  o.regions.most = regions;
  const auto b = staged<bf16>(random_batch(4, side), 16);
  captured_step<device, bf16, net_type> steps(*net, optimizer, 4, side, side, o, {5, 1}, capture);
  steps.send(b);
  report(name, [&] {
    steps.launch();
    steps.send(b);
    (void)steps.losses();
  });
}

void infer(extent_t side) {
  const auto net = std::make_unique<net_type>();
  initialize(*net, 0);
  to_device<device>(*net);
  mix_precision<device>(*net);
  auto b = random_batch(1, side);
  b.boxes[0].resize(1);
  const auto images = to<device>(cast<bf16>(b.images));
  const auto rois = make_rois<dyn<"roi">, device>(b.boxes);
  report("inference", [&] {
    const auto pyramid = net->detector.features(images);
    (void)net->detector.detect<float>(pyramid, side, side, {});
    (void)net->segment(pyramid, rois);
    device::synchronize();
  });
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const extent_t side = count > 1 ? std::atoll(arguments[1]) : 512;
    expect(side >= 64 && side % 32 == 0, "bench_gpu_step: images of ", side, "; expected a multiple of 32 from 64 on");
    train("step_captured", true, side);
    train("step_calls", false, side);
    infer(side);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
