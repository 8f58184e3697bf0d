// Training on the host with maps in bf16 beside training in f32: the losses of some steps on one batch stay together, as do the gradients of the
// first; parameters, moments and running statistics are f32, and a checkpoint is one of a network in f32.
#include "tiny.hpp"

#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, 8>;
using half = precision<cpu_device, bf16>;

// The true boxes as regions, as small differences of the proposals would choose others.
net_type::options few_boxes() {
  net_type::options o;
  o.detector.rpn.after_nms_training = 40, o.detector.rpn.sampler.size = 32, o.detector.box.sampler.size = 16;
  o.regions.ground_truth_only = true, o.regions.centre_deviation = o.regions.size_deviation = 0;
  return o;
}

std::vector<double> gradients_of(const std::vector<named_parameter>& parameters) {
  std::vector<double> all;
  for (const auto& entry : parameters) {
    const auto& p = *entry.parameter;
    if (!p.has_gradient()) continue;
    const bool in_half = p.gradient().bytes() == 2 * p.size();
    CHECK(in_half == static_cast<bool>(p.half()));
    for (extent_t i = 0; i < p.size(); ++i)
      all.push_back(
          static_cast<double>(in_half ? float(static_cast<const bf16*>(p.gradient().data())[i]) : static_cast<const float*>(p.gradient().data())[i]));
  }
  return all;
}

double similarity(const std::vector<double>& a, const std::vector<double>& b) {
  double product = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += a[i] * b[i], left += a[i] * a[i], right += b[i] * b[i];
  return product / std::sqrt(left * right);
}

}  // namespace

TEST_CASE("training with maps in bf16 on the host follows training in f32, and keeps everything that lasts in f32") {
  const user::discs data;
  const auto batch = make_batch({data.load(0), data.load(1)}, {});
  net_type full, mixed;
  initialize(full, 3), initialize(mixed, 3);
  mix_precision<cpu_device>(mixed);
  const auto wanted = named_parameters(full), parameters = named_parameters(mixed);
  adamw slow(wanted, {.rate = 1e-3}), fast(parameters, {.rate = 1e-3});
  double first = 0, last = 0;
  for (std::uint64_t step = 0; step < 12; ++step) {
    CAPTURE(step);
    const auto f32 = train_step(full, batch, few_boxes(), {5, step});
    const auto bf16_losses = train_step<half>(mixed, batch, few_boxes(), {5, step});
    CHECK(bf16_losses.total == doctest::Approx(f32.total).epsilon(0.05));
    if (step == 0) {
      const auto a = gradients_of(wanted), b = gradients_of(parameters);
      REQUIRE(a.size() == b.size());
      CHECK(similarity(a, b) > 0.98);
      CHECK(a != b);  // as they were rounded
      first = bf16_losses.total;
    }
    last = bf16_losses.total;
    slow.step(), fast.step();
  }
  CHECK(last < 0.9 * first);
  for (const auto& entry : parameters) {
    const auto& p = *entry.parameter;
    CAPTURE(entry.name);
    REQUIRE(p.type() == dtype::f32);
    if (p.is_buffer()) continue;
    int different = 0;
    for (extent_t k = 0; k < p.size(); ++k) different += !(static_cast<const bf16*>(p.half().data())[k] == static_cast<bf16>(p.data<float>()[k]));
    CHECK(different == 0);
  }

  const auto path = (std::filesystem::temp_directory_path() / "dcs_mixed_host.safetensors").string();
  save_checkpoint(path, mixed, &fast, {});
  net_type again;
  load_checkpoint(path, again);
  const auto p = predict(again, batch.images, {}, batch.boxes), q = predict<half>(mixed, batch.images, {}, batch.boxes);
  for (std::size_t n = 0; n < p.size(); ++n)
    for (std::size_t i = 0; i < p[n].probability.size(); ++i) REQUIRE(std::abs(p[n].probability[i] - q[n].probability[i]) < 0.05f);
  std::filesystem::remove(path);
}
