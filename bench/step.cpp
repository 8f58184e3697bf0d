// Seconds of DCSNet's training step (forward, four detection losses, head loss, backward, clipping to norm 1, AdamW) or of inference, one given RoI
// per image: what `bench/reference/dcsnet.py time` clocks in PyTorch, line for line, so that the two are run side by side.
#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/loss.hpp>
#include <dcs/optim/adamw.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

using net_type = dcsnet<resnet<50>, dghc<64>, msfa<4, 8>>;
using image_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
using roi_shape = shape<dyn<"roi">, 5>;
using mask_shape = shape<dyn<"roi">, net_type::base, net_type::base, 1>;

struct inputs {
  tensor<float, image_shape> images;
  tensor<float, roi_shape> rois;
  tensor<float, mask_shape> masks;
  std::vector<std::vector<box<float>>> truth;
};

inputs random_inputs(extent_t batch, extent_t size) {
  const random_stream r{1, 0}, boxes = r.child(1), pixels = r.child(2), labels = r.child(3);
  inputs in{tensor<float, image_shape>::empty({batch, size, size, 3}),
            tensor<float, roi_shape>::empty({batch, 5}),
            tensor<float, mask_shape>::empty({batch, net_type::base, net_type::base, 1}),
            {}};
  for (extent_t i = 0; i < in.images.size(); ++i) in.images.data()[i] = 2 * pixels.uniform(static_cast<std::uint64_t>(i)) - 1;
  for (extent_t i = 0; i < in.masks.size(); ++i) in.masks.data()[i] = labels.uniform(static_cast<std::uint64_t>(i)) > 0.5f ? 1.0f : 0.0f;
  for (extent_t n = 0; n < batch; ++n) {
    const auto draw = [&](int k) { return boxes.uniform(static_cast<std::uint64_t>(4 * n + k)); };
    const float side = static_cast<float>(size), x = side * (0.1f + 0.8f * draw(0)), y = side * (0.1f + 0.8f * draw(1)), w = 6 + 12 * draw(2),
                h = 6 + 12 * draw(3);
    in.truth.push_back({{x - w, y - h, x + w, y + h}});
    const float roi[5] = {static_cast<float>(n), x - w, y - h, x + w, y + h};
    std::copy(roi, roi + 5, in.rois.data() + 5 * n);
  }
  return in;
}

double train(net_type& net, adamw& optimiser, const inputs& in, extent_t size, std::uint64_t step) {
  const random_scope dropout(1, step);
  const auto pyramid = net.detector.features(var<float, image_shape>(in.images));
  const auto detection = net.detector.losses<float>(pyramid, size, size, in.truth, {}, random_stream{2, step});
  const auto loss = eval(models::dcsnet::total_loss(net.segment(pyramid, in.rois), in.masks).total + detection.total());
  optimiser.clear_gradients();
  backward(loss);
  optimiser.step();
  return static_cast<double>(value(loss).item());
}

void infer(const net_type& net, const inputs& in, extent_t size) {
  const auto pyramid = net.detector.features(in.images);
  (void)net.detector.detect<float>(pyramid, size, size, {});
  (void)net.segment(pyramid, in.rois);
}

}  // namespace

int main(int count, char** arguments) {
  extent_t size = 256, batch = 4, steps = 5;
  bool inference = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view a = arguments[i];
    const auto number = [&] { return i + 1 < count ? std::atoll(arguments[++i]) : 0; };
    if (a == "--size")
      size = number();
    else if (a == "--batch")
      batch = number();
    else if (a == "--steps")
      steps = number();
    else if (a == "--threads")
      set_threads(static_cast<int>(number()));
    else if (a == "--inference")
      inference = true;
    else
      return std::fprintf(stderr, "dcs step: %s; expected --size, --batch, --steps, --threads (numbers) or --inference\n", arguments[i]), 2;
  }
  expect(size >= 64 && size % 32 == 0 && batch >= 1, "dcs step: size ", size, " and batch ", batch,
         "; expected a multiple of 32 from 64 on, and at least 1");

  const auto net = std::make_unique<net_type>();
  initialize<float>(*net, 0);
  adamw optimiser(named_parameters(*net));
  const inputs in = random_inputs(batch, size);
  for (extent_t step = 0; step < steps; ++step) {
    const auto start = std::chrono::steady_clock::now();
    double loss = 0;
    if (inference)
      infer(*net, in, size);
    else
      loss = train(*net, optimiser, in, size, static_cast<std::uint64_t>(step));
    std::printf("step %lld loss %.4f %.3f s\n", static_cast<long long>(step), loss,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    std::fflush(stdout);
  }
  std::printf("peak %.2f GB\n", static_cast<double>(host_allocator::get().statistics().peak_bytes) / 1e9);
}
