// Training on the host with maps in bf16 beside training in f32: the losses of some steps on one batch stay together, as do the gradients of the
// first; parameters, moments and running statistics are f32, and a checkpoint is one of a network in f32.
#include "tiny.hpp"

#include <dcs/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include <unistd.h>

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

double mean(const std::vector<double>& v, std::size_t first, std::size_t count) {
  return std::accumulate(v.begin() + static_cast<std::ptrdiff_t>(first), v.begin() + static_cast<std::ptrdiff_t>(first + count), 0.0) /
         static_cast<double>(count);
}

// Copies in bf16 that are not their parameter, rounded.
int stale_copies(const std::vector<named_parameter>& parameters) {
  int stale = 0;
  for (const auto& entry : parameters) {
    const auto& p = *entry.parameter;
    REQUIRE(p.type() == dtype::f32);
    for (extent_t k = 0; k < p.size() && !p.is_buffer(); ++k)
      stale += !(static_cast<const bf16*>(p.half().data())[k] == static_cast<bf16>(p.data<float>()[k]));
  }
  return stale;
}

}  // namespace

TEST_CASE("training with maps in bf16 on the host follows training in f32, and keeps everything that lasts in f32") {
  const user::discs data;
  const auto batch = make_batch({data.load(0), data.load(1)}, {});
  net_type full, mixed;
  initialize(full, 3), initialize(mixed, 3);
  mix_precision<cpu_device>(mixed);
  const auto wanted = named_parameters(full), parameters = named_parameters(mixed);
  adamw slow(wanted, {.rate = 5e-4}), fast(parameters, {.rate = 5e-4});
  std::vector<double> f32, half_losses;
  constexpr std::size_t steps = 24, some = 4;
  for (std::uint64_t step = 1; step <= steps; ++step) {
    f32.push_back(train_step(full, batch, few_boxes(), {5, step}).total);
    half_losses.push_back(train_step<half>(mixed, batch, few_boxes(), {5, step}).total);
    if (step == 1) {
      const auto a = gradients_of(wanted), b = gradients_of(parameters);
      REQUIRE(a.size() == b.size());
      CHECK(similarity(a, b) > 0.97);
      CHECK(a != b);
    }
    slow.step(), fast.step();
  }
  CHECK(half_losses[0] == doctest::Approx(f32[0]).epsilon(0.01));
  CHECK(mean(half_losses, 0, steps) == doctest::Approx(mean(f32, 0, steps)).epsilon(0.04));
  CHECK(mean(half_losses, steps - some, some) == doctest::Approx(mean(f32, steps - some, some)).epsilon(0.08));
  CHECK(mean(half_losses, steps - some, some) < 0.96 * mean(half_losses, 0, some));
  CHECK(stale_copies(parameters) == 0);

  const auto path = (std::filesystem::temp_directory_path() / ("dcs_mixed_host_" + std::to_string(::getpid()) + ".safetensors")).string();
  save_checkpoint(path, mixed, &fast, {});
  initialize(full, 4);
  load_checkpoint(path, full, &slow);  // by a network in f32
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto &p = *wanted[i].parameter, &q = *parameters[i].parameter;
    CHECK(std::equal(p.data<float>(), p.data<float>() + p.size(), q.data<float>()));
  }
  std::filesystem::remove(path);
}
