#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using rois_t = shape<dyn<"roi">, 5>;

template <class T>
tensor<T, rois_t> some_rois(extent_t k, extent_t batch) {
  auto r = tensor<T, rois_t>::empty({k, 5});
  const random_stream random{3, 3};
  for (extent_t i = 0; i < k; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 8;
    r(i, 0) = static_cast<T>(random.below(at, static_cast<std::uint32_t>(batch)));
    r(i, 1) = static_cast<T>(random.uniform(at + 1) * 40 - 6), r(i, 2) = static_cast<T>(random.uniform(at + 2) * 40 - 6);
    r(i, 3) = r(i, 1) + static_cast<T>(random.uniform(at + 3) * 20), r(i, 4) = r(i, 2) + static_cast<T>(random.uniform(at + 4) * 20);
  }
  return r;
}

template <int C>
void check(extent_t n, extent_t h, extent_t k) {
  CAPTURE(n);
  CAPTURE(h);
  CAPTURE(k);
  CAPTURE(C);
  const auto x = random_normal<double, shape<dyn<"n">, dyn<"h">, dyn<"w">, C>>({n, h, h + 1, C}, {1, 1});
  const auto y = random_normal<double, shape<dyn<"n">, dyn<"p">, dyn<"q">, C>>({n, h + 2, h, C}, {1, 2});
  const auto rois = some_rois<double>(k, n);
  CHECK(gradcheck([&](const auto& a) { return roi_align<3, 2>(a, rois, {0.25, 2, false}); }, {4, 4}, 20, x) < 1e-6);
  CHECK(gradcheck([&](const auto& a) { return roi_align<2>(a, rois, {0.25, 0, true}); }, {4, 4}, 20, x) < 1e-6);
  const auto level = tensor<std::int64_t, shape<dyn<"roi">>>::empty({k});
  for (extent_t i = 0; i < k; ++i) level(i) = i % 2;
  CHECK(gradcheck([&](const auto& a, const auto& b) { return roi_align_levels<2>(rois, level, {0.25, 0.5}, 2, a, b); }, {4, 4}, 20, x, y) < 1e-6);
}

}  // namespace

TEST_CASE("RoIAlign passes the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {1, 2})
      for (extent_t h : {1, 2, 9})
        for (extent_t k : {0, 1, 5}) {
          check<3>(n, h, k);
          check<17>(n, h, k);
        }
  }
}

TEST_CASE("every level of a pyramid in one call: types, values and gradients") {
  using X = shape<dyn<"n">, dyn<"h">, dyn<"w">, 3>;
  using Y = shape<dyn<"n">, dyn<"p">, dyn<"q">, 3>;
  const auto check_sizes = [](extent_t n, extent_t h, extent_t w, extent_t k) {
    CAPTURE(n);
    CAPTURE(h);
    CAPTURE(w);
    CAPTURE(k);
    const auto x = random_normal<double, X>({n, h, w, 3}, {1, 1});
    const auto y = random_normal<double, Y>({n, (h + 1) / 2, (w + 1) / 2, 3}, {1, 2});
    const auto rois = some_rois<double>(k, n);
    const auto crops = roi_align_pyramid<6, 3>(std::tuple(x, y), rois, {4, 8});
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(crops)>,
                                 std::tuple<tensor<double, shape<dyn<"roi">, 6, 6, 3>>, tensor<double, shape<dyn<"roi">, 3, 3, 3>>>>);
    const auto alone = roi_align<3>(y, rois, {1.0 / 8, 2, false});
    for (extent_t i = 0; i < alone.size(); ++i) CHECK(std::get<1>(crops).data()[i] == alone.data()[i]);
    auto sum = [&](const auto& a, const auto& b) {
      const auto [p, q] = roi_align_pyramid<3, 3>(std::tuple(a, b), rois, {4, 8});
      return p + q;
    };
    CHECK(gradcheck(sum, {4, 4}, 20, x, y) < 1e-6);
  };
  test::for_each_isa([&] {
    check_sizes(0, 8, 8, 0);
    for (extent_t n : {1, 2})
      for (extent_t h : {1, 2, 8, 9})
        for (extent_t k : {0, 1, 6}) check_sizes(n, h, h == 2 ? 5 : h, k);
  });
}

TEST_CASE("RoIAlign by hand: a linear ramp is sampled at bin centres; samples outside are zeros in the mean") {
  auto x = tensor<float, shape<1, 8, 8, 1>>::empty();
  for (extent_t i = 0; i < 8; ++i)
    for (extent_t j = 0; j < 8; ++j) x(0, i, j, 0) = static_cast<float>(10 * i + j);
  auto rois = tensor<float, shape<2, 5>>::from(std::vector<float>{0, 2, 2, 6, 6, 0, -8, 0, 0, 4});
  const auto y = roi_align<2>(x, rois, {1.0, 2, false});
  CHECK(y(0, 0, 0, 0) == doctest::Approx(33));
  CHECK(y(0, 1, 1, 0) == doctest::Approx(55));
  CHECK(y(1, 0, 0, 0) == 0);                        // x from −7 to −5: all outside
  CHECK(y(1, 0, 1, 0) == doctest::Approx(10 / 2));  // of x = −3 and −1 the second is clamped to the edge: values 5 and 15, halved
  rois(0, 0) = 1;
  CHECK_THROWS_WITH_AS(roi_align<2>(x, rois, {}), doctest::Contains("image 1"), error);
  rois(0, 0) = 0, rois(0, 1) = NAN;
  CHECK_THROWS_AS(roi_align<2>(x, rois, {}), error);
}

TEST_CASE("RoIAlign has the same bits with any number of threads") {
  const auto x = random_normal<float, shape<2, 16, 16, 70>>({2, 16, 16, 70}, {1, 1});
  const auto rois = some_rois<float>(40, 2);
  tensor<float, shape<2, 16, 16, 70>> first;
  for (int threads_now : {1, 2, 3}) {
    set_threads(threads_now);
    auto leaf = var<float, shape<2, 16, 16, 70>>::leaf(x);
    const auto y = roi_align<7>(leaf, rois, {0.25, 2, false});
    backward(y, y.value());
    if (!first.defined()) first = leaf.grad();
    CHECK(std::memcmp(first.data(), leaf.grad().data(), static_cast<std::size_t>(first.bytes())) == 0);
  }
  set_threads(2);
}

TEST_CASE_TEMPLATE("RoIAlign equals torchvision's, forward and backward: over borders, outside, empty and inside out", T, float, double) {
  const auto file = test::goldens("roi_align");
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (int i = 0; i < 8; ++i) {
      CAPTURE(i);
      const std::string name = std::to_string(i) + "/";
      const auto& s = file.at(name + "x").shape;
      const auto x = file.at(name + "x").as<T>(), rois = file.at(name + "rois").as<T>(), dy = file.at(name + "dy").as<T>();
      const auto option = file.at(name + "options").as<std::int64_t>();
      const auto count = static_cast<std::int64_t>(rois.size() / 5);
      std::vector<T> y(dy.size()), dx(x.size());
      const std::vector<cpu::roi_map<T>> maps{{x.data(), dx.data(), s[0], s[1], s[2], file.at(name + "scale").as<double>().at(0)}};
      const auto sampling = static_cast<int>(option[2]);
      const bool aligned = option[3] != 0;
      cpu::roi_align_forward<T>(cpu_device{}, maps, s[3], rois.data(), nullptr, count, sampling, aligned, {{y.data(), option[0], option[1]}});
      cpu::roi_align_backward<T>(cpu_device{}, maps, s[3], rois.data(), nullptr, count, sampling, aligned, {{dy.data(), option[0], option[1]}});
      // In f32 the place of a sample is rounded, by up to 1e-6 of a pixel.
      CHECK(test::relative_error(y, file.at(name + "y").as<double>()) < (sizeof(T) == 8 ? 1e-12 : 1e-5));
      CHECK(test::relative_error(dx, file.at(name + "dx").as<double>()) < (sizeof(T) == 8 ? 1e-12 : 1e-5));
    }
  }
}

TEST_CASE("adaptive sampling of a RoI without bounds is an error, not an exhausted memory") {
  const auto x = tensor<float, shape<1, 4, 4, 1>>::full({1, 4, 4, 1}, 1);
  const auto rois = tensor<float, shape<1, 5>>::from(std::vector<float>{0, 0, 0, 1e30f, 1});
  CHECK_THROWS_WITH_AS(roi_align<2>(x, rois, {1.0, 0, false}), doctest::Contains("bin of"), error);
}

TEST_CASE("a map without pixels is an error; without RoIs or images the result is empty") {
  const auto rois = tensor<float, rois_t>::empty({0, 5});
  CHECK_THROWS_WITH_AS(roi_align<2>(tensor<float, shape<1, dyn<"h">, 4, 1>>::empty({1, 0, 4, 1}), rois, {}), doctest::Contains("no pixels"), error);
  CHECK(roi_align<2>(tensor<float, shape<dyn<"n">, 4, 4, 1>>::empty({0, 4, 4, 1}), rois, {}).size() == 0);
}
