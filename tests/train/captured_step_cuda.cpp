// Steps of a small network on the GPU: as a graph and as calls, from the same weights and with the same batches, they have the same bits. Compiled by
// nvcc alone; tests/models/dcsnet_device.cpp compares such steps with the host's, where no GPU is needed.
#include <dcs/cuda/graph.cuh>
#include <dcs/cuda/kernels.cuh>
#include <dcs/train/captured_step.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct strided_backbone {
  static constexpr std::array<int, 4> channels{8, 8, 16, 16};
  nn::conv2d<3, 8, 4, 4, 0> stem;
  nn::conv2d<8, 8, 2, 2, 0> down3;
  nn::conv2d<8, 16, 2, 2, 0> down4;
  nn::conv2d<16, 16, 2, 2, 0> down5;
  DCS_MEMBERS(stem, down3, down4, down5)

  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = eval(relu(stem(images)));
    const auto c3 = eval(relu(down3(c2)));
    const auto c4 = eval(relu(down4(c3)));
    return std::tuple(c2, c3, c4, eval(relu(down5(c4))));
  }
};
using net_type = dcsnet<strided_backbone, dghc<32>, msfa<1, 2>, 16>;
using device = cuda::device;

// Two bright squares of 20 × 20, elsewhere in every batch.
batch squares(std::uint64_t number) {
  constexpr extent_t side = 64;
  batch b{tensor<float, image_shape>::empty({2, side, side, 3}), tensor<float, mask_shape>::zeros({2, side, side, 1}), {}};
  for (extent_t n = 0; n < 2; ++n) {
    const random_stream r = random_stream{number, 1}.child(static_cast<std::uint64_t>(n));
    const auto y0 = static_cast<extent_t>(r.below(0, 40)), x0 = static_cast<extent_t>(r.below(1, 40));
    for (extent_t y = 0; y < side; ++y)
      for (extent_t x = 0; x < side; ++x) {
        const bool inside = y >= y0 && y < y0 + 20 && x >= x0 && x < x0 + 20;
        b.masks(n, y, x, 0) = inside ? 1.0f : 0.0f;
        for (extent_t c = 0; c < 3; ++c)
          b.images(n, y, x, c) = (inside ? 0.7f : -0.7f) + 0.2f * r.uniform(static_cast<std::uint64_t>(16 + (y * side + x) * 3 + c));
      }
    const auto left = static_cast<float>(x0), top = static_cast<float>(y0);
    b.boxes.push_back({{left, top, left + 20, top + 20}});
  }
  return b;
}

std::vector<double> totals(bool capture) {
  const auto net = std::make_unique<net_type>();
  initialize(*net, 3);
  to_device<device>(*net);
  basic_adamw<device> optimizer(named_parameters(*net));
  step_options o;
  o.detector.rpn.after_nms_training = 100, o.detector.box.sampler.size = 32;
  captured_step<device, float, net_type> steps(*net, optimizer, 2, 64, 64, o, {5, 1}, capture);
  std::vector<double> all;
  steps.send(squares(1));
  for (std::uint64_t k = 1; k <= 5; ++k) {
    steps.launch();
    steps.send(squares(k + 1));
    const auto l = steps.losses();
    for (double v : {l.total, l.main, l.edge, l.classifier, l.box, l.objectness, l.rpn_box}) all.push_back(v);
    CHECK(l.regions >= 2);
  }
  return all;
}

}  // namespace

TEST_CASE("five steps as a graph are those as calls, bit for bit") {
  cuda::library_options::get().candidates = 1;  // the same engines in both
  const auto calls = totals(false), graph = totals(true);
  CHECK(calls == graph);
  CHECK(calls[7] != calls[0]);
}
