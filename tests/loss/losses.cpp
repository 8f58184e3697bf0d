#include <dcs/expr/gradcheck.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
using map_t = shape<dyn<"roi">, dyn<"h">, dyn<"h">, 1>;

tensor<double, map_t> blob(extent_t n, extent_t h, std::uint64_t seed) {
  auto t = tensor<double, map_t>::empty({n, h, h, 1});
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = random_stream{seed, 9}.uniform(static_cast<std::uint64_t>(i)) > 0.6f ? 1 : 0;
  return t;
}
}  // namespace

TEST_CASE("every loss passes the gradient check") {
  test::for_each_isa([] {
    for (extent_t n : {1, 2, 3})
      for (extent_t h : {1, 2, 3, 4, 5, 8, 9}) {
        CAPTURE(n);
        CAPTURE(h);
        const auto x = random_normal<double, map_t>({n, h, h, 1}, {1, 1}, 2), y = random_normal<double, map_t>({n, h, h, 1}, {1, 2}, 2);
        const auto t = blob(n, h, 4);
        CHECK(gradcheck([&](const auto& a) { return loss::dice(sigmoid(a), t); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::focal(a, t); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::boundary(sigmoid(a), t, 1e-3); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::edge(a, t); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::binary_cross_entropy(a, t); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::smooth_l1_sum(a, t); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::soft_edge(a); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a) { return loss::segmentation(a, t, {.smoothing = 1e-3}); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([&](const auto& a, const auto& b) { return loss::consistency(std::array{a, b, a, b}); }, {2, 2}, 12, x, y) < 1e-6);
      }
    for (extent_t rows : {1, 2, 3, 9, 33})
      for (extent_t classes : {1, 2, 3, 7, 17}) {
        CAPTURE(rows);
        CAPTURE(classes);
        const auto scores = random_normal<double, shape<dyn<"n">, dyn<"class">>>({rows, classes}, {1, 3}, 3);
        std::vector<int> labels;
        for (extent_t i = 0; i < rows; ++i) labels.push_back(static_cast<int>(5 * i % classes));
        CHECK(gradcheck([&](const auto& a) { return loss::cross_entropy(a, labels); }, {2, 2}, 12, scores) < 1e-6);
      }
  });
  // A class that is alone is certain.
  CHECK(loss::cross_entropy(tensor<double, shape<2, 1>>::from(std::vector<double>{3, -700}), {0, 0}).item() == 0);
}

TEST_CASE("without regions losses of sums are zero, and a mean is an error") {
  const auto x = tensor<double, map_t>::empty({0, 4, 4, 1}), t = x;
  CHECK(gradcheck([&](const auto& a) { return loss::dice(sigmoid(a), t); }, {2, 2}, 12, x) < 1e-6);
  CHECK(gradcheck([&](const auto& a) { return loss::boundary(sigmoid(a), t); }, {2, 2}, 12, x) < 1e-6);
  CHECK(gradcheck([&](const auto& a) { return loss::smooth_l1_sum(a, t); }, {2, 2}, 12, x) < 1e-6);
  CHECK(loss::dice(sigmoid(x), t).item() == 0);
  CHECK(loss::boundary(sigmoid(x), t).item() == 0);
  CHECK(loss::smooth_l1_sum(x, t).item() == 0);
  CHECK(gradcheck([&](const auto& a) { return loss::soft_edge(a); }, {2, 2}, 12, x) < 1e-6);
  CHECK(laplacian_edges(t).size() == 0);
  CHECK_THROWS_AS(loss::segmentation(x, t), error);
  CHECK_THROWS_AS(loss::focal(x, t), error);
  CHECK_THROWS_AS(loss::edge(x, t), error);
  CHECK_THROWS_AS(loss::binary_cross_entropy(x, t), error);
  CHECK_THROWS_AS(loss::consistency(std::array{x, x, x, x}), error);
  CHECK_THROWS_AS(loss::cross_entropy(tensor<double, shape<dyn<"n">, 3>>::empty({0, 3}), {}), error);
}

TEST_CASE("maps without rows or columns, and scores without classes, are errors") {
  for (const auto& [h, w] : {std::pair<extent_t, extent_t>{0, 4}, {4, 0}}) {
    const auto x = tensor<double, shape<dyn<"roi">, dyn<"h">, dyn<"w">, 1>>::empty({2, h, w, 1}), t = x;
    const std::string words = "sizes " + to_string(x.sizes()) + " are 0 at axis " + (h == 0 ? "1" : "2");
    const auto refused = [&](const auto& f) { CHECK_THROWS_WITH_AS(f(), doctest::Contains(words.c_str()), error); };
    refused([&] { return loss::dice(sigmoid(x), t); });
    refused([&] { return loss::boundary(sigmoid(x), t); });
    refused([&] { return loss::focal(x, t); });
    refused([&] { return loss::binary_cross_entropy(x, t); });
    refused([&] { return loss::edge(x, t); });
    refused([&] { return loss::segmentation(x, t); });
    refused([&] { return loss::consistency(std::array{x, x, x, x}); });
    refused([&] { return loss::smooth_l1_sum(x, t); });
    refused([&] { return laplacian_edges(t); });
  }
  const auto scores = tensor<double, shape<dyn<"n">, dyn<"class">>>::empty({2, 0});
  CHECK_THROWS_WITH_AS(loss::cross_entropy(scores, {0, 0}), doctest::Contains("scores of sizes [2, 0]"), error);
}

TEST_CASE("values by hand") {
  using S = shape<1, 1, 2, 1>;
  const auto t = tensor<double, S>::from(std::vector<double>{1, 0});
  const auto zero = tensor<double, S>::zeros();
  CHECK(loss::dice(t, t).item() == doctest::Approx(0));
  CHECK(loss::dice(sigmoid(zero), t).item() == doctest::Approx(1 - 1.0 / 2));
  const double ce = std::log(2.0);
  CHECK(loss::binary_cross_entropy(zero, t).item() == doctest::Approx(ce));
  CHECK(loss::focal(zero, t).item() == doctest::Approx(0.25 * 0.25 * ce));
  CHECK(loss::edge(zero, t).item() == doctest::Approx((10 * ce + ce) / 2));
  const auto huge = tensor<double, S>::from(std::vector<double>{800, -800});
  CHECK(loss::binary_cross_entropy(huge, t).item() == 0);
  CHECK(loss::smooth_l1_sum(tensor<double, S>::from(std::vector<double>{1 + 1.0 / 18, 3}), t).item() ==
        doctest::Approx(1.0 / 18 / 18 * 9 / 2 + 3 - 1.0 / 18));

  auto square_mask = tensor<float, shape<1, 5, 5, 1>>::zeros();
  for (extent_t i = 1; i < 4; ++i)
    for (extent_t j = 1; j < 4; ++j) square_mask(0, i, j, 0) = 1;
  const auto e = laplacian_edges(square_mask);
  CHECK(sum_all(e).item() == 8);  // all of the square but its centre
  CHECK(e(0, 2, 2, 0) == 0);
  CHECK(e(0, 0, 0, 0) == 0);
}
