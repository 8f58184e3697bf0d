// The losses on a device against the host's: the kernels of their own, and those that are chains and sums.
#include <dcs/expr/chain.cuh>
#include <dcs/loss/detection.cuh>
#include <dcs/models/dcsnet/loss.hpp>
#include <dcs/ops/laplacian_edges/cuda.cuh>
#include <dcs/ops/pool/cuda.cuh>

#include "../cuda/masked.hpp"

using namespace dcs;

namespace {

using map_t = shape<dyn<"roi">, dyn<"h">, dyn<"h">, 1>;

template <class T = double>
tensor<T, map_t> blob(extent_t n, extent_t h) {
  auto t = tensor<T, map_t>::empty({n, h, h, 1});
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<T>(random_stream{4, 9}.uniform(static_cast<std::uint64_t>(i)) > 0.4f ? 1.f : 0.f);
  return t;
}

template <int K, class Body>
void over_rows(const Body& body) {
  using S = shape<dyn<"n">, K>;
  for (extent_t n : {1, 2, 33, 1100 / K}) {
    std::vector<int> labels;
    for (extent_t i = 0; i < n; ++i) labels.push_back(static_cast<int>(random_stream{6, 6}.below(static_cast<std::uint64_t>(i), K)));
    body([labels](const auto& x) { return loss::cross_entropy(x, labels); }, random_normal<double, S>({n, K}, {1, 3}, 3));
  }
}

}  // namespace

TEST_CASE("kernel cross_entropy_forward: two classes, more than a warp has lanes, one; scores without bounds") {
  const auto compare = [](const auto& f, const auto& x) { kernel_test::compare(f, x); };
  over_rows<1>(compare);
  over_rows<2>(compare);
  over_rows<5>(compare);
  over_rows<70>(compare);
  using S = shape<2, 2>;
  kernel_test::compare(
      [](const auto& x) {
        return loss::cross_entropy(x, {0, 1});
      },
      tensor<double, S>::from(std::vector<double>{300, -300, -200, 150}, {2, 2}));
  const auto x = to<kernel_test::target>(random_normal<float, S>({2, 2}, {1, 3}));
  CHECK_THROWS_WITH_AS(loss::cross_entropy(x, {0, 2}), doctest::Contains("label 2"), error);
}

TEST_CASE("kernel cross_entropy_backward: passes the gradient check") {
  const auto check = [](const auto& f, const auto& x) { CHECK(kernel_test::gradcheck(f, x) < 1e-6); };
  over_rows<1>(check);
  over_rows<2>(check);
  over_rows<5>(check);
  over_rows<70>(check);
}

// Maps of zeros and ones have edges in whole numbers: exact on a GPU too.
TEST_CASE("kernel laplacian_edges: the edges of the CPU, at borders too") {
  for (extent_t n : {0, 1, 3})
    for (extent_t h : {1, 2, 3, 9, 17}) {
      for (std::uint64_t seed = 1; seed <= (kernel_test::on_gpu ? 1 : 3); ++seed) {
        cuda::emulated::options().seed = seed;
        const auto check = [&](auto t) {
          const auto here = to<kernel_test::target>(kernel_test::rounded<decltype(t)>(blob(n, h)));
          CHECK(kernel_test::difference(to<cpu_device>(laplacian_edges(here)), laplacian_edges(blob(n, h))) == 0);
        };
        check(double{}), check(float{}), check(bf16{});
      }
    }
}

TEST_CASE("losses that are chains and sums run on the device") {
  const auto on = [](const auto& x, const auto& t) {
    return to<device_t<std::remove_cvref_t<decltype(x)>>>(kernel_test::rounded<value_t<std::remove_cvref_t<decltype(x)>>>(t));
  };
  for (extent_t n : {1, 2})
    for (extent_t h : {1, 5, 8}) {
      const auto x = random_normal<double, map_t>({n, h, h, 1}, {1, 1}, 2), y = random_normal<double, map_t>({n, h, h, 1}, {1, 2}, 2);
      const auto t = blob(n, h);
      kernel_test::compare([&](const auto& a) { return loss::dice(sigmoid(a), on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::focal(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::edge(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::binary_cross_entropy(a, on(a, t)); }, x);
      kernel_test::compare([&](const auto& a) { return loss::smooth_l1_sum(a, on(a, t)); }, x);
      kernel_test::compare([](const auto& a, const auto& b) { return loss::consistency(std::array{a, b, a, b}); }, x, y);
    }
}

namespace {

using region_maps = shape<dyn<"roi">, 8, 8, 1>;
template <class D, class T>
using map_of = var<T, region_maps, D>;

template <class D, class T>
map_of<D, T> map_leaf(const tensor<T, region_maps>& x) {
  return map_of<D, T>::leaf(to<D>(x).clone());
}
// Main, edge and four levels, and then the terms of the loss and the gradients of the six.
template <class D, class T, class Loss>
auto loss_step(const std::vector<tensor<T, region_maps>>& logits, const Loss& loss) {
  std::vector<map_of<D, T>> v;
  for (const auto& x : logits) v.push_back(map_leaf<D>(x));
  const auto terms = loss(models::dcsnet::segmentation<map_of<D, T>>{v[0], v[1], {v[2], v[3], v[4], v[5]}});
  backward(terms.total);
  std::vector<double> values;
  const std::array all{terms.total, terms.main, terms.levels, terms.edge, terms.consistency};  // nvcc loses a list in the head of a loop
  for (const auto& t : all) values.push_back(static_cast<double>(t.item()));
  std::vector<tensor<T, region_maps>> gradients;
  for (const auto& x : v) gradients.push_back(to<cpu_device>(x.grad()).clone());
  return std::pair(values, gradients);
}

// Every term and gradient on the device under every mask against the host with the regions that are valid.
template <class T>
void check_masked_total(double bound) {
  const sizes<4> n{4, 8, 8, 1};
  std::vector<tensor<T, region_maps>> logits;
  for (std::uint64_t k = 0; k < 6; ++k) logits.push_back(kernel_test::rounded<T>(random_normal<double, region_maps>(n, {9, k}, 3)));
  auto target = tensor<T, region_maps>::empty(n);
  for (extent_t i = 0; i < target.size(); ++i) target.data()[i] = random_stream{9, 9}.uniform(static_cast<std::uint64_t>(i)) > 0.4f ? T(1) : T(0);
  for (const auto& mask : masked_test::masks())
    for (double padded : {1.0, 1e30, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
      CAPTURE(mask);
      CAPTURE(padded);
      std::vector<tensor<T, region_maps>> filled;
      for (const auto& x : logits) filled.push_back(masked_test::with_padded(x, mask, padded));
      const auto there = to<kernel_test::target>(masked_test::with_padded(target, mask, padded));
      const auto valid = masked_test::mask_on<kernel_test::target, T>(mask);
      const auto measured = loss_step<kernel_test::target>(filled, [&](const auto& out) { return models::dcsnet::total_loss(out, there, valid); });
      if (masked_test::valid(mask) == 0) {
        for (double v : measured.first) CHECK(v == 0);
        for (const auto& g : measured.second) CHECK(masked_test::in_dead(g, mask) == 0);
        continue;
      }
      std::vector<tensor<double, region_maps>> live;
      for (const auto& x : logits) live.push_back(kernel_test::rounded<double>(masked_test::valid(x, mask)));
      const auto truth = kernel_test::rounded<double>(masked_test::valid(target, mask));
      const auto wanted = loss_step<cpu_device>(live, [&](const auto& out) { return models::dcsnet::total_loss(out, truth); });
      for (std::size_t i = 0; i < wanted.first.size(); ++i) CHECK(measured.first[i] == doctest::Approx(wanted.first[i]).epsilon(bound));
      for (std::size_t i = 0; i < wanted.second.size(); ++i) {
        CHECK(kernel_test::difference(masked_test::valid(measured.second[i], mask), wanted.second[i]) < bound);
        CHECK(masked_test::in_dead(measured.second[i], mask) == 0);
      }
    }
}

}  // namespace

TEST_CASE("eq. 11 under a mask is eq. 11 of the regions that are valid: every term, every gradient, for any values in padded regions") {
  if constexpr (!kernel_test::on_gpu) check_masked_total<double>(1e-9);
  check_masked_total<float>(1e-5);
}
TEST_CASE("eq. 11 under a mask passes the gradient check") {
  const sizes<4> n{4, 8, 8, 1};
  const auto draw = [&](std::uint64_t k) { return random_normal<double, region_maps>(n, {9, k}); };
  auto target = tensor<double, region_maps>::empty(n);
  for (extent_t i = 0; i < target.size(); ++i) target.data()[i] = i % 3 == 0;
  const auto there = to<kernel_test::target>(target);
  for (const masked_test::mask_values& values : {masked_test::mask_values{0, 1, 0, 1}, {1, 1, 1, 1}, {0, 0, 0, 0}}) {
    const auto mask = masked_test::mask_on<kernel_test::target>(values);
    models::dcsnet::loss_options o;
    o.segmentation.smoothing = 1e-3;
    const auto f = [&](const auto& a, const auto& b, const auto& c) {
      return models::dcsnet::total_loss(models::dcsnet::segmentation<std::remove_cvref_t<decltype(a)>>{a, b, {c, a, b, c}}, there, mask, o).total;
    };
    CHECK(kernel_test::gradcheck(f, draw(1), draw(2), draw(3)) < 1e-6);
  }
}
TEST_CASE("a mask of another number of regions, and no smoothing where regions may be padded, are errors") {
  const auto x = to<kernel_test::target>(tensor<float, region_maps>::zeros({4, 8, 8, 1}));
  const models::dcsnet::segmentation<std::remove_cvref_t<decltype(x)>> out{x, x, {x, x, x, x}};
  const auto mask = [](std::vector<double> v) { return masked_test::mask_on<kernel_test::target, float>(v); };
  CHECK_THROWS_WITH_AS((void)models::dcsnet::total_loss(out, x, mask({1, 1, 1})), doctest::Contains("a mask of 3 for 4 regions"), error);
  models::dcsnet::loss_options o;
  o.segmentation.smoothing = 0;
  CHECK_THROWS_WITH_AS((void)models::dcsnet::total_loss(out, x, mask({1, 1, 1, 1}), o), doctest::Contains("smoothing 0"), error);
}
