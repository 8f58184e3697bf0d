// The whole network on a device against the host, both in f32 and with the same weights: every stage of inference, and the losses of ten training
// steps. Steps of fixed sizes have the same bits whenever they are run.
#include "small.hpp"

#include <dcs/kernels.cuh>
#include <dcs/models/dcsnet/fixed_size.cuh>
#include <dcs/train/captured_step.hpp>
#if defined(__CUDACC__)
#include <dcs/cuda/graph.cuh>
#endif

#include "../../cuda/compare.hpp"

#include <algorithm>
#include <map>

using namespace dcs;
using kernel_test::target;
using user::images;
using net_type = user::small_net;

namespace {

// The same engines of cuDNN in every run, products in f32; on the host without checking every access, as the kernels' own tests do.
void settle() {
  auto& library = cuda::library_options::get();
  library.candidates = 1, library.tf32 = false;
  cuda::emulated::options().check = false, cuda::emulated::options().seed = 1;
}

// One region a step, and few candidates: the host executes every thread of every kernel.
net_type::options options() {
  auto o = user::options();
  o.detector.rpn.before_nms_training = 60, o.detector.rpn.after_nms_training = 20, o.regions.most = 1;
  return o;
}

// A network on D, the same for every D. Running statistics are not the 0 and 1 of a start, which would hide a norm that ignores them.
template <class D>
std::unique_ptr<net_type> network() {
  auto net = std::make_unique<net_type>();
  initialize(*net, 3);
  std::uint64_t number = 0;
  for (const auto& [name, p] : named_parameters(*net)) {
    const random_stream r = random_stream{12, 0}.child(number++);
    for (extent_t i = 0; i < p->size(); ++i) {
      const float u = r.uniform(static_cast<std::uint64_t>(i));
      if (name.ends_with("running_mean")) p->template data<float>()[i] = 0.2f * u - 0.1f;
      if (name.ends_with("running_var")) p->template data<float>()[i] = 0.5f + u;
    }
  }
  if constexpr (!std::is_same_v<D, cpu_device>) to_device<D>(*net);
  return net;
}

using numbers = tensor<float, shape<dyn<"number">>>;
using stages = std::map<std::string, numbers>;

// Records the results of stages by name.
struct recorder {
  stages* out;
  template <class X>
  void operator()(const std::string& name, const X& x) const {
    const auto t = to<cpu_device>(eval(x));
    (*out)[name] = numbers::from(std::span<const float>(t.data(), static_cast<std::size_t>(t.size())), {t.size()});
  }
};

// Every stage of inference on two images. Boxes are fixed, as a small difference of two scores would choose others.
template <class D>
stages stages_of(const net_type& net) {
  stages out;
  const recorder put{&out};
  const auto pyramid = net.detector.features(to<D>(images(2).images));
  const auto levels = net.detector.propose_levels(pyramid);
  const auto each_level = [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((put("pyramid P" + std::to_string(I + 2), std::get<I>(pyramid)), put("objectness P" + std::to_string(I + 2), std::get<I>(levels).objectness),
      put("deltas P" + std::to_string(I + 2), std::get<I>(levels).deltas)),
     ...);
  };
  each_level(std::make_index_sequence<5>{});

  const std::vector<std::vector<box<float>>> boxes{{{3.5f, 7.25f, 40, 31.5f}, {20, 12, 61, 60}, {-4, 8, 30, 70}},
                                                   {{0, 0, 64, 64}, {11.75f, 30, 19, 38.5f}, {32, 1, 63, 22}}};
  const auto level_of = tensor<std::int64_t, shape<dyn<"proposal">>, D>::from(std::vector<std::int64_t>{0, 1, 2, 3, 0, 1}, {6});
  const auto pooled = pool_rois(make_rois<dyn<"proposal">, D>(boxes), level_of, pyramid, 64);
  put("pooled boxes", pooled);
  const auto predictions = net.detector.roi_heads(pooled);
  put("box scores", predictions.scores), put("box deltas", predictions.deltas);

  const auto crops = net.cropper(pyramid, make_rois<dyn<"roi">, D>(boxes));
  put("crops of P2", std::get<0>(crops)), put("crops of P3", std::get<1>(crops));
  put("crops of P4", std::get<2>(crops)), put("crops of P5", std::get<3>(crops));
  const auto logits = net.head(crops, true, put);
  put("main logits", logits.main), put("edge logits", logits.edge);
  for (std::size_t i = 0; i < 4; ++i) put("level logits P" + std::to_string(i + 2), logits.levels[i]);
  return out;
}

}  // namespace

TEST_CASE("every stage of inference on the device is the host's in f32") {
  settle();
  const auto wanted = stages_of<cpu_device>(*network<cpu_device>()), measured = stages_of<target>(*network<target>());
  CHECK(wanted.size() == 3 * 5 + 3 + 4 + 4 + 6);  // of every level; of boxes; crops; the head's tokens, attended, weights, fused; logits
  REQUIRE(measured.size() == wanted.size());
  for (const auto& entry : wanted) {
    const std::string& name = entry.first;
    const numbers& values = entry.second;
    CAPTURE(name);
    REQUIRE(measured.count(name) == 1);
    CHECK(std::any_of(values.data(), values.data() + values.size(), [&](float v) { return v != *values.data(); }));
    CHECK(kernel_test::difference(measured.at(name), values) < 1e-4);
  }
}

TEST_CASE("the losses of ten training steps on the device are the host's in f32 to 1 %") {
  settle();
  const auto host = network<cpu_device>();
  const auto there = network<target>();
  basic_adamw<cpu_device> wanted_optimizer(named_parameters(*host));
  basic_adamw<target> optimizer(named_parameters(*there));
  double wanted = 0;
  for (std::uint64_t k = 0; k < 10; ++k) {
    CAPTURE(k);
    const auto b = images(1, static_cast<std::int64_t>(k % 2));
    const random_stream random{5, k};
    wanted_optimizer.clear_gradients(), optimizer.clear_gradients();
    wanted = train_step<precision<cpu_device>>(*host, b, options(), random).total;
    const auto measured = train_step<precision<target>>(*there, b, options(), random);
    CHECK(measured.total == doctest::Approx(wanted).epsilon(0.01));
    CHECK(user::regions(measured) >= 1);
    wanted_optimizer.step(), optimizer.step();
  }
  // Checks that the weights have changed, as the comparison would be trivial otherwise.
  const double unmoved = train_step<precision<cpu_device>>(*network<cpu_device>(), images(1, 1), options(), {5, 9}).total;
  CHECK(std::abs(unmoved - wanted) > 0.03 * wanted);
}

namespace {

struct outcome {
  std::vector<double> losses;
  std::vector<float> values;
  friend bool operator==(const outcome&, const outcome&) = default;
};

// Steps of fixed sizes: on a GPU calls and then a graph; the host, where a repeated step is calls again, has one.
outcome trained() {
  const auto net = network<target>();
  basic_adamw<target> optimizer(named_parameters(*net));
  const auto o = options();
  captured_step<target, float, net_type> steps(*net, optimizer, 1, 64, 64, o, {5, 1});
  outcome r;
  for (std::int64_t k = 0; k < (kernel_test::on_gpu ? 3 : 1); ++k) {
    steps.send(images(1, k));
    steps.launch();
    const auto l = user::terms(steps.losses());
    r.losses.insert(r.losses.end(), l.begin(), l.end());
  }
  for_each_parameter(*net, [&](const std::string&, const parameter_base& p) {
    const auto v = kernel_test::on_host(static_cast<const float*>(p.memory().data()), p.size());
    r.values.insert(r.values.end(), v.begin(), v.end());
  });
  return r;
}

}  // namespace

TEST_CASE("steps of fixed sizes from the same weights have the same bits three times, losses and values") {
  settle();
  const outcome first = trained();
  CHECK(first.losses[9] == 1);  // a region: the head learns too
  for (std::uint64_t again = 2; again <= 3; ++again) {
    cuda::emulated::options().seed = again;  // on the host, threads take turns in another order
    CHECK((trained() == first));
  }
}
