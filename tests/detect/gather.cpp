#include <dcs/detect/gather.hpp>
#include <dcs/grad/gradcheck.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {
using first_t = shape<1, 2, 2, 6>;   // 8 rows of 3
using second_t = shape<1, 1, 2, 3>;  // 2 rows of 3
}  // namespace

TEST_CASE("rows of two maps: values, and the gradient of a row that is taken twice") {
  const auto a = random_normal<double, first_t>(first_t::extents, {1, 1});
  const auto b = random_normal<double, second_t>(second_t::extents, {1, 2});
  const std::vector<level_row> where{{1, 1}, {0, 7}, {0, 0}, {0, 7}};
  const auto y = gather_rows<3>(where, a, b);
  REQUIRE(y.sizes()[0] == 4);
  for (extent_t k = 0; k < 3; ++k) {
    CHECK(y(0, k) == b.data()[3 + k]);
    CHECK(y(1, k) == a.data()[21 + k]);
    CHECK(y(2, k) == a.data()[k]);
    CHECK(y(3, k) == a.data()[21 + k]);
  }
  const auto va = var<double, first_t>::leaf(a);
  const auto vb = var<double, second_t>::leaf(b);
  const auto dy = tensor<double, shape<dyn<"sample">, 3>>::from(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {4, 3});
  backward(gather_rows<3>(where, va, vb), dy);
  const double last[] = {14, 16, 18};
  for (extent_t k = 0; k < 3; ++k) {
    CHECK(va.grad().data()[21 + k] == last[k]);
    CHECK(va.grad().data()[k] == 7 + static_cast<double>(k));
    CHECK(va.grad().data()[3 + k] == 0);
    CHECK(vb.grad().data()[3 + k] == 1 + static_cast<double>(k));
  }
  CHECK(gradcheck([&](const auto& p, const auto& q) { return gather_rows<3>(where, p, q); }, {2, 2}, 12, a, b) < 1e-6);
}

TEST_CASE("no rows are an empty matrix; a row that does not exist is an error") {
  const auto a = random_normal<double, first_t>(first_t::extents, {1, 1});
  CHECK(gather_rows<3>({}, a).sizes()[0] == 0);
  CHECK_THROWS_WITH_AS(gather_rows<3>({{0, 8}}, a), doctest::Contains("row 8"), error);
  CHECK_THROWS_WITH_AS(gather_rows<3>({{1, 0}}, a), doctest::Contains("level 1"), error);
  CHECK_THROWS_AS(gather_rows<3>({{0, -1}}, a), error);
}
