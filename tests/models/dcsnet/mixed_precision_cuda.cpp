// Maps in bf16 on a device; parameters, moments, running statistics, losses and boxes in f32: a step is the host's in f32 to the accuracy of bf16,
// the copies in bf16 follow the parameters, and a checkpoint is that of a net_under_test in f32.
#include "tiny.hpp"

#include <dcs/kernels.cuh>
#include <dcs/train/checkpoint.hpp>

#include "../../cuda/compare.hpp"

#include <filesystem>

#include <unistd.h>

using namespace dcs;
using namespace dcs::models::dcsnet;
using kernel_test::on_host, kernel_test::target;

namespace {

using net_type = dcsnet<user::strided_backbone, dghc<32>, msfa<1, 2>, 8>;

net_type::options few_boxes() {
  net_type::options o;
  o.detector.rpn.after_nms_training = 40, o.detector.rpn.sampler.size = 32, o.detector.box.sampler.size = 16;
  return o;
}

struct net_under_test {
  std::unique_ptr<net_type> net = std::make_unique<net_type>();
  net_under_test() { initialize(*net, 3); }
  std::vector<named_parameter> parameters() { return named_parameters(*net); }
};

double similarity(const std::vector<double>& a, const std::vector<double>& b) {
  double product = 0, left = 0, right = 0;
  for (std::size_t i = 0; i < a.size(); ++i) product += a[i] * b[i], left += a[i] * a[i], right += b[i] * b[i];
  return product / std::sqrt(left * right);
}

}  // namespace

TEST_CASE("a step with maps in bf16 is that in f32 to bf16's accuracy; values, moments and statistics are f32") {
  cuda::emulated::options().check = false;      // the kernels' own tests look at every access
  cuda::library_options::get().candidates = 1;  // the same engines of cuDNN in every run
  const user::discs data;
  const auto b = make_batch({data.load(0), data.load(1)}, {});
  net_under_test host, there;
  to_device<target>(*there.net);
  mix_precision<target>(*there.net);
  adamw slow(host.parameters());
  basic_adamw<target> fast(there.parameters());
  // The true boxes as regions, as small differences of the proposals would choose others.
  auto o = few_boxes();
  o.regions.ground_truth_only = true, o.regions.centre_deviation = o.regions.size_deviation = 0;
  const auto wanted = train_step(*host.net, b, o, {5, 1});
  const auto measured = train_step<precision<target, bf16>>(*there.net, b, o, {5, 1});
  CHECK(user::term(measured, "main") == doctest::Approx(user::term(wanted, "main")).epsilon(0.03));
  CHECK(user::term(measured, "levels") == doctest::Approx(user::term(wanted, "levels")).epsilon(0.03));
  CHECK(user::term(measured, "edge") == doctest::Approx(user::term(wanted, "edge")).epsilon(0.03));
  CHECK(user::term(measured, "objectness") == doctest::Approx(user::term(wanted, "objectness")).epsilon(0.03));
  CHECK(user::term(measured, "classifier") == doctest::Approx(user::term(wanted, "classifier")).epsilon(0.05));

  std::vector<double> gradients, wanted_gradients;
  const auto list = there.parameters(), wanted_list = host.parameters();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto &p = *list[i].parameter, &q = *wanted_list[i].parameter;
    CAPTURE(list[i].name);
    REQUIRE(p.has_gradient() == q.has_gradient());
    if (p.is_buffer()) {
      const auto values = on_host(p.data<float>(), p.size());
      for (extent_t k = 0; k < p.size(); ++k)
        CHECK(values[static_cast<std::size_t>(k)] == doctest::Approx(static_cast<double>(q.data<float>()[k])).epsilon(0.03));
    }
    if (!p.has_gradient()) continue;
    REQUIRE(p.gradient().bytes() == 2 * p.size());
    for (const bf16 g : on_host(static_cast<const bf16*>(p.gradient().data()), p.size()))
      gradients.push_back(static_cast<double>(static_cast<float>(g)));
    for (extent_t k = 0; k < p.size(); ++k) wanted_gradients.push_back(static_cast<double>(static_cast<const float*>(q.gradient().data())[k]));
  }
  CHECK(similarity(gradients, wanted_gradients) > 0.98);

  CHECK(fast.step() == doctest::Approx(slow.step()).epsilon(0.05));
  for (const auto& entry : list) {
    const auto& p = *entry.parameter;
    CAPTURE(entry.name);
    REQUIRE(p.type() == dtype::f32);
    if (p.is_buffer()) continue;
    const auto values = on_host(p.data<float>(), p.size());
    const auto halves = on_host(static_cast<const bf16*>(p.half().data()), p.size());
    int different = 0;
    for (std::size_t k = 0; k < values.size(); ++k) different += !(halves[k] == static_cast<bf16>(values[k]));
    CHECK(different == 0);
  }

  // Another step from another set of masters: what is read comes into both.
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_mixed_" + std::to_string(::getpid()) + ".safetensors")).string();
  save_checkpoint<target>(path, *there.net, &fast, {});
  net_under_test other;
  load_checkpoint(path, *other.net);
  const auto in_f32 = validate_batch(*other.net, b, few_boxes()).first;
  net_under_test again;
  to_device<target>(*again.net);
  mix_precision<target>(*again.net);
  basic_adamw<target> resumed(again.parameters());
  load_checkpoint<target>(path, *again.net, &resumed);
  const auto in_bf16 = validate_batch<precision<target, bf16>>(*again.net, b, few_boxes()).first;
  CHECK(user::term(in_bf16, "main") == doctest::Approx(user::term(in_f32, "main")).epsilon(0.03));
  CHECK(user::term(in_bf16, "objectness") == doctest::Approx(user::term(in_f32, "objectness")).epsilon(0.03));
  const auto p = predict(*other.net, b.images, {}, b.boxes), q = predict<precision<target, bf16>>(*again.net, b.images, {}, b.boxes);
  for (std::size_t n = 0; n < p.size(); ++n)
    for (std::size_t i = 0; i < p[n].probability.size(); ++i) REQUIRE(std::abs(p[n].probability[i] - q[n].probability[i]) < 0.03f);
  std::filesystem::remove(path);
}
