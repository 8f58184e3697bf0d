#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/gather/gather.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
using first_t = shape<1, 2, 2, 6>;   // 8 rows of 3
using second_t = shape<1, 1, 2, 3>;  // 2 rows of 3
}  // namespace

TEST_CASE("rows of two maps: values, and the gradient of a row that is gathered twice") {
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

TEST_CASE("rows of three maps pass the gradient check") {
  using map_t = shape<dyn<"n">, dyn<"h">, dyn<"w">, 6>;
  const auto check = [](extent_t n, extent_t h, std::uint32_t count) {
    CAPTURE(n);
    CAPTURE(h);
    CAPTURE(count);
    const auto a = random_normal<double, map_t>({n, h, h + 1, 6}, {1, 1}), c = random_normal<double, map_t>({n, 1, 1, 6}, {1, 3});
    const auto b = random_normal<double, shape<dyn<"n">, 2, 6>>({n, 2, 6}, {1, 2});
    const auto where = [&](extent_t width) {  // some rows more than once
      const random_stream draw{5, static_cast<std::uint64_t>(width)};
      const extent_t rows[] = {a.size() / width, b.size() / width, c.size() / width};
      std::vector<level_row> w;
      for (std::uint32_t i = 0; i < count; ++i) {
        const auto level = draw.below(2 * i, 3);
        w.push_back({static_cast<int>(level), draw.below(2 * i + 1, static_cast<std::uint32_t>(rows[level]))});
      }
      return w;
    };
    const auto one = where(1), three = where(3);
    CHECK(gradcheck([&](const auto& p, const auto& q, const auto& r) { return gather_rows<1>(one, p, q, r); }, {2, 2}, 16, a, b, c) < 1e-6);
    CHECK(gradcheck([&](const auto& p, const auto& q, const auto& r) { return gather_rows<3>(three, p, q, r); }, {2, 2}, 16, a, b, c) < 1e-6);
  };
  test::for_each_isa([&] {
    check(0, 3, 0);  // without images there is no row to take
    for (extent_t n : {1, 2})
      for (extent_t h : {1, 2, 4, 5})
        for (std::uint32_t count : {0u, 1u, 9u}) check(n, h, count);
  });
}

TEST_CASE("the gradient of a row in bf16 is summed in f32, and rounded once") {
  using map_t = shape<3, 2>;
  const auto leaf = var<bf16, map_t>::leaf(tensor<bf16, map_t>::zeros());
  std::vector<level_row> where(1000, {0, 1});
  where.insert(where.begin() + 500, {0, 2});  // the places of a row need not stand together
  const auto y = eval(gather_rows<2>(where, leaf));
  backward(y, tensor<bf16, shape<dyn<"sample">, 2>>::full({1001, 2}, bf16(1.0f)));
  const float wanted[] = {0, 0, 1000, 1000, 1, 1};
  for (std::size_t i = 0; i < 6; ++i) CHECK(static_cast<float>(leaf.grad().data()[i]) == wanted[i]);
}

TEST_CASE("no rows are an empty matrix; a row that does not exist is an error") {
  const auto a = random_normal<double, first_t>(first_t::extents, {1, 1});
  CHECK(gather_rows<3>({}, a).sizes()[0] == 0);
  CHECK_THROWS_WITH_AS(gather_rows<3>({{0, 8}}, a), doctest::Contains("row 8"), error);
  CHECK_THROWS_WITH_AS(gather_rows<3>({{1, 0}}, a), doctest::Contains("level 1"), error);
  CHECK_THROWS_AS(gather_rows<3>({{0, -1}}, a), error);
}
