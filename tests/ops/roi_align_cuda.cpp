// The kernels of RoIAlign against the CPU op.
#include <dcs/detect/region_masks.hpp>
#include <dcs/expr/chain.cuh>
#include <dcs/models/dcsnet/regions.hpp>
#include <dcs/ops/roi_align/cuda.cuh>
#include <dcs/ops/roi_align/roi_align.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

using rois_t = shape<dyn<"roi">, 5>;
using levels_t = shape<dyn<"roi">>;
// Maps of C channels; each level of a pyramid has sizes of its own, so names of its own.
inline constexpr std::array heights{dyn<"h">, dyn<"h3">, dyn<"h4">, dyn<"h5">}, widths{dyn<"w">, dyn<"w3">, dyn<"w4">, dyn<"w5">};
template <int C, std::size_t Level = 0>
using map_t = shape<dyn<"n">, heights[Level], widths[Level], C>;

// Boxes inside, over borders, outside, smaller than a pixel, and without area; floats, so that every type places them alike.
tensor<double, rois_t> some_rois(extent_t k, extent_t batch, double side) {
  const auto r = tensor<double, rois_t>::empty({k, 5});
  const random_stream random{3, 5};
  for (extent_t i = 0; i < k; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 8;
    const auto place = [&](std::uint64_t j) { return static_cast<double>(static_cast<float>((random.uniform(at + j) * 1.4 - 0.25) * side)); };
    const auto length = [&](std::uint64_t j) { return static_cast<float>(i % 5 == 4 ? 0.01f : random.uniform(at + j) * static_cast<float>(side)); };
    r(i, 0) = static_cast<double>(random.below(at, static_cast<std::uint32_t>(batch)));
    r(i, 1) = place(1), r(i, 2) = place(2);
    r(i, 3) = static_cast<double>(static_cast<float>(r(i, 1)) + length(3)), r(i, 4) = static_cast<double>(static_cast<float>(r(i, 2)) + length(4));
  }
  return r;
}
tensor<std::int64_t, levels_t> some_levels(extent_t k, int levels) {
  const auto l = tensor<std::int64_t, levels_t>::empty({k});
  for (extent_t i = 0; i < k; ++i) l(i) = (2 * i + i / 3) % levels;
  return l;
}

// RoIs on the device of X, in double or float, as 16 bits are too inaccurate for coordinates.
template <class X>
auto beside(const X&, const tensor<double, rois_t>& rois) {
  using B = std::conditional_t<sizeof(value_t<X>) == 8, double, float>;
  return to<device_t<X>>(kernel_test::rounded<B>(rois));
}

template <extent_t BinsY, extent_t BinsX = BinsY>
auto one_map(const tensor<double, rois_t>& rois, const roi_options& options) {
  return [=](const auto& x) { return roi_align<BinsY, BinsX>(x, beside(x, rois), options); };
}

template <int C, class Body>
void over_maps(const Body& body) {
  const auto at = [&](extent_t n, extent_t h, extent_t w, extent_t k) {
    CAPTURE(n);
    CAPTURE(h);
    CAPTURE(k);
    CAPTURE(C);
    body(random_normal<double, map_t<C>>({n, h, w, C}, {1, C}), some_rois(k, n, static_cast<double>(4 * h)));
  };
  at(1, 1, 1, 1);
  at(2, 1, 6, 0);
  at(1, 5, 1, 4);
  at(3, 9, 11, 7);
}

// Values of a level and of the next, half as large.
template <int C>
auto two_levels(extent_t n, extent_t h) {
  return std::pair(random_normal<double, map_t<C>>({n, h, h + 1, C}, {2, 1}),
                   random_normal<double, map_t<C, 1>>({n, (h + 1) / 2, h / 2 + 1, C}, {2, 2}));
}
template <int C, class Body>
void over_levels(const Body& body) {
  for (extent_t k : {0, 1, 9})
    for (extent_t h : {1, 10}) {
      const auto [x, y] = two_levels<C>(2, h);
      const auto rois = some_rois(k, 2, static_cast<double>(4 * h));
      const auto levels = some_levels(k, 2);
      body(
          [=](const auto& a, const auto& b) {
            return roi_align_levels<3>(beside(a, rois), to<device_t<decltype(a)>>(levels), {0.25, 0.125}, 2, a, b);
          },
          x, y);
      body(
          [=](const auto& a, const auto& b) {
            const auto [p, q] = roi_align_pyramid<4, 4>(std::tuple(a, b), beside(a, rois), {4, 8});
            return p + 2 * q;
          },
          x, y);
    }
}

// P2 to P5 in one launch: crops of one size from the level of each RoI, and crops of every level.
template <int C, class Body>
void over_four_levels(const Body& body) {
  const auto level = []<std::size_t Level>(std::integral_constant<std::size_t, Level>) {
    constexpr extent_t side = 16 >> Level;
    return random_normal<double, map_t<C, Level>>({2, side, side + 1, C}, {5, Level + 1});
  };
  const auto p2 = level(std::integral_constant<std::size_t, 0>{});
  const auto p3 = level(std::integral_constant<std::size_t, 1>{});
  const auto p4 = level(std::integral_constant<std::size_t, 2>{});
  const auto p5 = level(std::integral_constant<std::size_t, 3>{});
  for (extent_t k : {0, 1, 13}) {
    const auto rois = some_rois(k, 2, 64);
    const auto levels = some_levels(k, 4);
    body(
        [=](const auto& a, const auto& b, const auto& c, const auto& d) {
          return roi_align_levels<3>(beside(a, rois), to<device_t<decltype(a)>>(levels), {0.25, 0.125, 0.0625, 0.03125}, 2, a, b, c, d);
        },
        p2, p3, p4, p5);
    body(
        [=](const auto& a, const auto& b, const auto& c, const auto& d) {
          const auto [s, t, u, v] = roi_align_pyramid<4, 4, 4, 4>(std::tuple(a, b, c, d), beside(a, rois), {4, 8, 16, 32});
          return s + 2 * t - u + v / 2;
        },
        p2, p3, p4, p5);
  }
}

const auto equal = [](const auto& f, const auto&... x) { kernel_test::compare(f, x...); };
const auto differentiable = [](const auto& f, const auto&... x) { CHECK(kernel_test::gradcheck(f, x...) < 1e-6); };

}  // namespace

TEST_CASE("kernel roi_align_forward: equals the CPU op: channels of packets and not, sampling fixed and adaptive, aligned and not") {
  const auto check = [](const auto& x, const auto& rois) {
    equal(one_map<3, 2>(rois, {0.25, 2, false}), x);
    equal(one_map<2>(rois, {0.25, 0, true}), x);
  };
  over_maps<1>(check);
  over_maps<6>(check);
  over_maps<8>(check);
  over_maps<72>(check);
  // More bins than a block takes, both ways; more channels than a warp's lanes; more samples than are looked at one by one.
  const auto x = random_normal<double, map_t<136>>({1, 5, 6, 136}, {1, 1});
  kernel_test::compare_in<float>(one_map<18, 19>(some_rois(2, 1, 20), {0.25, 1, true}), x);
  const auto wide = random_normal<double, map_t<4>>({1, 20, 16, 4}, {1, 1});
  kernel_test::compare_in<float>(one_map<2>(some_rois(5, 1, 80), {0.25, 0, false}), wide);
  kernel_test::compare_in<float>(one_map<1>(some_rois(3, 1, 80), {0.25, 11, false}), wide);
  over_levels<8>(equal);
  over_levels<3>(equal);
  over_four_levels<8>(equal);
  over_four_levels<5>(equal);
}

TEST_CASE("kernel roi_align_backward: passes the gradient check; pixels that no RoI covers are zero; only gradients that are needed are computed") {
  const auto check = [](const auto& x, const auto& rois) {
    differentiable(one_map<3, 2>(rois, {0.25, 2, false}), x);
    differentiable(one_map<2>(rois, {0.25, 0, true}), x);
  };
  over_maps<3>(check);
  over_maps<8>(check);
  over_levels<4>(differentiable);
  over_four_levels<4>(differentiable);
  // More weights than are laid down at once: bins 64 × 64, RoIs as large as the map.
  auto rois = some_rois(3, 1, 24);
  for (extent_t i = 0; i < 3; ++i) rois(i, 1) = rois(i, 2) = -1.5, rois(i, 3) = rois(i, 4) = 23.0 + static_cast<double>(i);
  kernel_test::compare_in<float>(one_map<64>(rois, {0.25, 2, false}), random_normal<double, map_t<4>>({1, 6, 6, 4}, {1, 1}));

  using kernel_test::target;
  const auto [x, y] = two_levels<4>(1, 8);
  const auto at = [](const auto& t) { return to<target>(kernel_test::rounded<float>(t)); };
  const auto leaf = var<float, map_t<4, 1>, target>::leaf(at(y));
  const auto constant = var<float, map_t<4>, target>(at(x));
  const auto corner = tensor<double, rois_t>::from(std::vector<double>{0, 0, 0, 8, 8}, {1, 5});
  const auto [p, q] = roi_align_pyramid<2, 2>(std::tuple(constant, leaf), beside(leaf, corner), {4, 8});
  CHECK_FALSE(p.recorded());
  backward(q, tensor<float, shape<dyn<"roi">, 2, 2, 4>, target>::full({1, 2, 2, 4}, 1));
  const auto dy = to<cpu_device>(leaf.grad());
  CHECK(dy(0, 0, 0, 0) > 0);
  CHECK(dy(0, 3, 3, 0) == 0);
  double sum = 0;
  for (float v : dy.values()) sum += static_cast<double>(v);
  CHECK(sum == doctest::Approx(16));  // the weights of a bin inside add up to 1
}

TEST_CASE("kernel roi_align_lists: hundreds of RoIs; invalid ones, by coordinate, image or level, add nothing") {
  const extent_t k = 300;
  const auto rois = some_rois(k, 3, 16);
  const auto x = random_normal<double, map_t<2>>({3, 3, 4, 2}, {1, 1});
  kernel_test::compare_in<float>(one_map<2>(rois, {0.25, 2, false}), x);

  using kernel_test::target;
  const auto leaf = [&] { return var<float, map_t<2>, target>::leaf(to<target>(kernel_test::rounded<float>(x)).clone()); };
  auto first = leaf(), second = leaf();
  const auto levels = some_levels(6, 2);
  const auto strange = some_rois(6, 3, 16);
  strange(0, 0) = 3, strange(1, 0) = -1, strange(2, 0) = 0.5, strange(3, 2) = std::numeric_limits<double>::infinity(), strange(4, 0) = std::nan("");
  levels(5) = 2;
  const auto crops = roi_align_levels<2>(beside(first, strange), to<target>(levels), {0.25, 0.25}, 2, first, second);
  const auto all_zero = [](const auto& t) {
    const auto host = to<cpu_device>(t);
    for (float v : host.values()) CHECK(v == 0);
  };
  all_zero(crops.value());
  backward(crops, tensor<float, shape<dyn<"roi">, 2, 2, 2>, target>::full(crops.sizes(), 1));
  all_zero(first.grad()), all_zero(second.grad());
}

TEST_CASE("the gradient has the same bits in every order of threads") {
  const auto x = kernel_test::rounded<float>(random_normal<double, map_t<8>>({2, 7, 9, 8}, {1, 1}));
  const auto rois = some_rois(12, 2, 30);
  std::vector<float> wanted;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    cuda::emulated::options().seed = seed;
    const auto gradient = std::get<1>(kernel_test::run<kernel_test::target>(one_map<5>(rois, {0.25, 2, false}), x));
    if (wanted.empty()) wanted.assign(gradient.data(), gradient.data() + gradient.size());
    CHECK(std::memcmp(wanted.data(), gradient.data(), static_cast<std::size_t>(gradient.bytes())) == 0);
  }
}

TEST_CASE("four levels with crops of four sizes are one launch forward; backward the lists and one launch more") {
  if constexpr (!kernel_test::on_gpu) {
    using D = cuda::emulated;
    const auto leaf = []<std::size_t Level>(std::integral_constant<std::size_t, Level>) {
      constexpr extent_t side = 16 >> Level;
      return var<float, map_t<4, Level>, D>::leaf(tensor<float, map_t<4, Level>, D>::full({1, side, side, 4}, 1));
    };
    const auto pyramid = [&]<std::size_t... Level>(std::index_sequence<Level...>) {
      return std::tuple(leaf(std::integral_constant<std::size_t, Level>{})...);
    }
    (std::make_index_sequence<4>{});
    const auto rois = to<D>(kernel_test::rounded<float>(some_rois(3, 1, 64)));
    const cuda::launch_log log;
    const auto crops = roi_align_pyramid<8, 4, 2, 1>(pyramid, rois, {4, 8, 16, 32});
    CHECK(log.kernels() == "roi_align_forward");
    const cuda::launch_log back;
    backward(std::get<0>(crops), std::get<0>(crops).value().clone());
    CHECK(back.kernels() == "roi_align_lists, roi_align_backward");
  }
}

TEST_CASE("targets of regions are made on the device") {
  const auto masks = random_normal<float, shape<dyn<"n">, dyn<"h">, dyn<"w">, 1>>({2, 12, 12, 1}, {4, 4});
  for (float& v : masks.values()) v = v > 0 ? 1.0f : 0.0f;
  const auto rois = kernel_test::rounded<float>(some_rois(5, 2, 12));
  const auto wanted = region_targets<6>(masks, rois);
  const auto measured = to<cpu_device>(region_targets<6>(to<kernel_test::target>(masks), to<kernel_test::target>(rois)));
  CHECK(kernel_test::difference(measured, wanted) == 0);
}
