// The network on the device whose kernels the host executes, against the network on the host: losses, gradients of every parameter and detections.
#include <dcs/cuda/kernels.cuh>

#include "tiny.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace dcs;

namespace {

constexpr int width = 8;
using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, width>;

std::vector<double> on_host(const storage& memory, extent_t n) {
  return {static_cast<const double*>(memory.data()), static_cast<const double*>(memory.data()) + n};
}

// A network in double on D, and what a batch makes of it.
template <class D>
struct trained {
  std::unique_ptr<net_type> net = std::make_unique<net_type>();
  std::vector<double> losses;
  std::map<std::string, std::vector<double>> gradients, buffers;
  std::vector<std::vector<detection<double>>> found;

  trained() {
    initialize<double>(*net, 3);
    if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(*net);
  }
  template <class L>
  void note(const L& loss) {
    losses.push_back(loss.item());
  }
  void collect() {
    for (const auto& [name, p] : named_parameters(*net)) {
      if (p->is_buffer())
        buffers[name] = on_host(p->memory(), p->size());
      else
        gradients[name] = p->gradient() ? on_host(p->gradient(), p->size()) : std::vector<double>();
    }
  }
};

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double error = 0, norm = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) error += (a[i] - b[i]) * (a[i] - b[i]), norm += b[i] * b[i];
  return std::isfinite(error) ? std::sqrt(error / norm) : HUGE_VAL;
}

template <class Measured, class Wanted>
void expect_equal(const Measured& measured, const Wanted& wanted, double bound) {
  CHECK(difference(measured.losses, wanted.losses) < bound);
  for (const auto& [name, g] : wanted.gradients) {
    CAPTURE(name);
    double size = 0;
    for (double v : g) size += std::abs(v);
    // A bias before a batch norm has no gradient but rounding.
    if (size > 1e-9) CHECK(difference(measured.gradients.at(name), g) < bound);
  }
  for (const auto& [name, b] : wanted.buffers) {
    CAPTURE(name);
    CHECK(difference(measured.buffers.at(name), b) < bound);
  }
}

struct data {
  tensor<double, image_shape> images;
  tensor<double, mask_shape> masks;
  std::vector<std::vector<box<double>>> boxes;
  data() {
    const user::discs discs;
    const auto b = make_batch({discs.load(0), discs.load(1)}, {});
    images = cast<double>(b.images), masks = cast<double>(b.masks);
    for (const auto& image : b.boxes) {
      boxes.emplace_back();
      for (const auto& o : image) boxes.back().push_back({o.x1, o.y1, o.x2, o.y2});
    }
  }
};

// Detector and head as train_step puts them together, in double.
template <class D>
trained<D> trained_on(const data& d) {
  trained<D> t;
  const random_scope dropout(5, 6);
  const auto pyramid = t.net->detector.features(var<double, image_shape, D>(to<D>(d.images)));
  const auto detector = t.net->detector.template losses<double>(pyramid, 64, 64, d.boxes, {}, {7, 8});
  t.note(detector.classifier), t.note(detector.box), t.note(detector.objectness), t.note(detector.rpn_box);
  const auto rois = make_rois<dyn<"roi">, D>(d.boxes);
  const auto head = loss::total(t.net->segment(pyramid, rois), region_targets<net_type::base, double>(to<D>(d.masks), rois));
  t.note(head.main), t.note(head.levels), t.note(head.edge), t.note(head.consistency);
  backward(eval(detector.total() + head.total));
  t.collect();
  const auto quiet = t.net->detector.features(to<D>(d.images));
  detector_options o;
  o.box.score_threshold = 0.01;
  t.found = t.net->detector.template detect<double>(quiet, 64, 64, o);
  return t;
}

}  // namespace

TEST_CASE("detector and head on the emulated device have the host's losses, gradients, running statistics and detections") {
  cuda::emulated::options().check = false;  // the kernels' own tests look at every access
  const data d;
  const auto wanted = trained_on<cpu_device>(d);
  const auto measured = trained_on<cuda::emulated>(d);
  expect_equal(measured, wanted, 1e-7);
  REQUIRE(measured.found.size() == wanted.found.size());
  std::size_t count = 0;
  for (std::size_t n = 0; n < wanted.found.size(); ++n) {
    REQUIRE(measured.found[n].size() == wanted.found[n].size());
    for (std::size_t i = 0; i < wanted.found[n].size(); ++i, ++count) {
      CHECK(measured.found[n][i].score == doctest::Approx(wanted.found[n][i].score).epsilon(1e-9));
      CHECK(measured.found[n][i].box.x1 == doctest::Approx(wanted.found[n][i].box.x1).epsilon(1e-9));
      CHECK(measured.found[n][i].box.y2 == doctest::Approx(wanted.found[n][i].box.y2).epsilon(1e-9));
    }
  }
  CHECK(count > 0);
}

TEST_CASE("training steps and predictions of the programs run on the emulated device") {
  cuda::emulated::options().check = false;
  const user::discs discs;
  const auto b = make_batch({discs.load(0)}, {});
  const auto run = [&]<class D>(D) {
    auto net = std::make_unique<net_type>();
    initialize(*net, 3);
    if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(*net);
    basic_adamw<D> optimizer(named_parameters(*net), {1e-3, 0.9, 0.999, 1e-8, 1e-4, 1});
    std::vector<double> totals;
    for (std::uint64_t step = 0; step < 2; ++step) {
      optimizer.clear_gradients();
      totals.push_back(train_step<D>(*net, b, {}, {5, step}).total);
      optimizer.step();
    }
    totals.push_back(validation_losses<D>(*net, b, {}).total);
    const auto found = predict<D>(*net, b.images, {}, &b.boxes);
    for (float v : found[0].probability) totals.push_back(static_cast<double>(v));
    if constexpr (!std::is_same_v<D, cpu_device>) {
      CHECK_THROWS_WITH_AS(predict(*net, b.images), doctest::Contains("does not lie on the device cpu"), error);
      to_device<cpu_device, D>(*net);
      CHECK(predict(*net, b.images, {}, &b.boxes)[0].probability.size() == found[0].probability.size());
    }
    return totals;
  };
  CHECK(difference(run(cuda::emulated{}), run(cpu_device{})) < 2e-3);
}
