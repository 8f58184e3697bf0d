// Steps and epochs of a small network on the GPU: as graphs and as calls, from the same weights and with the same batches, they have the same bits.
// Compiled by nvcc alone; tests/models/dcsnet/dcsnet_cuda.cpp, tests/models/dcsnet/dcsnet_device.cpp and tests/train/captured_trainer.cpp compare
// such steps with the host's, where no GPU is needed.
#include "../models/dcsnet/tiny.hpp"

#include <dcs/cuda/graph.cuh>
#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_trainer.hpp>

#include <doctest/doctest.h>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, 16>;
using device = cuda::device;

batch batch_of(std::int64_t number) {
  const user::discs data;
  return make_batch({data.load(2 * number), data.load(2 * number + 1)}, {});
}

std::unique_ptr<net_type> network() {
  auto net = std::make_unique<net_type>();
  initialize(*net, 3);
  to_device<device>(*net);
  return net;
}
net_type::options options() {
  net_type::options o;
  o.detector.rpn.after_nms_training = 100, o.detector.box.sampler.size = 32;
  return o;
}

std::vector<double> totals(bool capture) {
  const auto net = network();
  basic_adamw<device> optimizer(named_parameters(*net));
  const auto o = options();
  captured_step<device, float, net_type> steps(*net, optimizer, 2, 64, 64, o, {5, 1}, capture);
  std::vector<double> all;
  steps.send(batch_of(1));
  for (std::int64_t k = 1; k <= 5; ++k) {
    steps.launch();
    steps.send(batch_of(k + 1));
    const auto l = steps.losses();
    for (double v : {l.total, user::term(l, "main"), user::term(l, "edge"), user::term(l, "classifier"), user::term(l, "box"),
                     user::term(l, "objectness"), user::term(l, "rpn_box")})
      all.push_back(v);
    CHECK(user::regions(l) >= 2);
  }
  return all;
}

}  // namespace

TEST_CASE("five steps as a graph are those as calls, bit for bit, and again those of the graph, three times") {
  cuda::library_options::get().candidates = 1;  // the same engines in both
  const auto calls = totals(false), graph = totals(true);
  CHECK(calls == graph);
  CHECK(calls[7] != calls[0]);
  for (int again = 2; again <= 3; ++again) CHECK(totals(true) == graph);
}

namespace {

// Two epochs of five images, in batches of 2, 2 and 1.
std::vector<double> epochs(bool capture) {
  const auto net = network();
  basic_adamw<device> optimizer(named_parameters(*net));
  captured_stepper<precision<device>, net_type> steps(*net, optimizer, capture);
  epoch_options<net_type::options> o;
  o.batch = 2, o.seed = 7, o.net = options();
  user::discs data;
  data.count = 5;
  std::vector<double> all;
  for (int epoch = 0; epoch < 2; ++epoch)
    (void)train_epoch(steps, data, o, epoch, [&](std::int64_t, std::int64_t, const step_losses& l) {
      for (double v : {l.total, user::term(l, "main"), user::term(l, "edge"), user::term(l, "classifier"), user::term(l, "box"),
                       user::term(l, "objectness"), user::term(l, "rpn_box")})
        all.push_back(v);
    });
  return all;
}

}  // namespace

TEST_CASE("epochs of graphs are those of calls, bit for bit, with a smaller last batch") {
  cuda::library_options::get().candidates = 1;
  const auto calls = epochs(false), graphs = epochs(true);
  CHECK(calls.size() == 6 * 7);
  CHECK(calls == graphs);
}
