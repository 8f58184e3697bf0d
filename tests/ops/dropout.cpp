#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/dropout/dropout.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("dropout passes the gradient check, by element and of whole channels") {
  using map_t = shape<dyn<"n">, dyn<"h">, 3, 4>;
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, map_t>({n, h, 3, 4}, {1, 1});
        CHECK(gradcheck([](const auto& a) { return dropout(a, 0.3, {9, 9}); }, {3, 3}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return channel_dropout(a, 0.3, {9, 9}); }, {3, 3}, 12, x) < 1e-6);
      }
  });
}

namespace {

template <class T, class S>
void check_golden(const io::safetensors& file, std::uint64_t i, double p) {
  const random_stream random{0x123456789ABCDEF0 + i, std::uint64_t{7} << 33 | i};
  const std::string number = std::to_string(i);
  test::check_op<T, S>(file, "element." + number, {"x"}, [&](const auto& x) { return dropout(x, p, random); });
  test::check_op<T, S>(file, "channel." + number, {"x"}, [&](const auto& x) { return channel_dropout(x, p, random); });
}

}  // namespace

TEST_CASE_TEMPLATE("dropout is x · mask / (1 - p) with the mask of its stream, forward and backward", T, float, double) {
  const auto file = test::goldens("dropout");
  test::for_each_isa([&] {
    check_golden<T, shape<dyn<"n">, dyn<"h">, dyn<"w">, 5>>(file, 0, 0.2);
    check_golden<T, shape<dyn<"n">, dyn<"h">, 7>>(file, 1, 0.5);
    check_golden<T, shape<1, 1>>(file, 2, 0.25);
    check_golden<T, shape<2, dyn<"h">, 33>>(file, 3, 0.9);
    check_golden<T, shape<dyn<"n">, 2, 1>>(file, 4, 0.3);
  });
}

TEST_CASE("dropout keeps 1 − p of the elements, scaled, and whole channels") {
  const auto x = tensor<float, shape<4, 50, 100>>::full(1);
  const auto y = dropout(x, 0.25, {1, 2});
  double sum = 0;
  for (float v : y.values()) {
    CHECK((v == 0.0f || v == doctest::Approx(4.0 / 3)));
    sum += static_cast<double>(v);
  }
  CHECK(sum / 20000 == doctest::Approx(1).epsilon(0.02));
  const auto z = channel_dropout(x, 0.5, {1, 3});
  for (extent_t n = 0; n < 4; ++n)
    for (extent_t c = 0; c < 100; ++c)
      for (extent_t i = 1; i < 50; ++i) REQUIRE(z(n, i, c) == z(n, 0, c));
  CHECK(dropout(x, 0, {1, 2}).memory() == x.memory());
  CHECK_THROWS_AS(dropout(x, 1.0, {1, 2}), error);
}
