#include <dcs/grad/gradcheck.hpp>
#include <dcs/ops/cast/cast.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

using map_t = shape<dyn<"n">, dyn<"h">, 3>;

TEST_CASE("a cast to the same type is the operand, with its gradient") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 6, 17}) {
        const auto x = random_normal<double, map_t>({n, h, 3}, {1, 1});
        CHECK(cast<double>(x).memory() == x.memory());
        CHECK(gradcheck([](const auto& a) { return square(cast<double>(a)); }, {3, 3}, 12, x) < 1e-6);
      }
  });
}

TEST_CASE("the gradient of a cast goes back in the type that came in") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 6, 17}) {
        CAPTURE(n);
        CAPTURE(h);
        const auto wide = random_normal<double, map_t>({n, h, 3}, {1, 1}), dwide = random_normal<double, map_t>({n, h, 3}, {1, 2});
        const auto narrow = random_normal<float, map_t>({n, h, 3}, {1, 3}), dnarrow = random_normal<float, map_t>({n, h, 3}, {1, 4});

        const auto x = var<double, map_t>::leaf(wide);
        const auto y = cast<float>(x);
        static_assert(std::is_same_v<value_t<decltype(y)>, float>);
        backward(y, dnarrow);
        const auto u = var<float, map_t>::leaf(narrow);
        const auto v = cast<double>(u);
        static_assert(std::is_same_v<value_t<decltype(v)>, double>);
        backward(v, dwide);
        const auto w = var<double, map_t>::leaf(wide);  // there and back: rounded once each way
        backward(cast<double>(cast<float>(w)), dwide);

        const auto dx = x.grad();
        const auto du = u.grad();
        const auto dw = w.grad();
        static_assert(std::is_same_v<value_t<decltype(dx)>, double> && std::is_same_v<value_t<decltype(du)>, float>);
        REQUIRE((dx.sizes() == x.sizes() && du.sizes() == u.sizes() && dw.sizes() == w.sizes()));
        for (extent_t i = 0; i < wide.size(); ++i) {
          CHECK(y.value().data()[i] == static_cast<float>(wide.data()[i]));
          CHECK(v.value().data()[i] == static_cast<double>(narrow.data()[i]));
          CHECK(dx.data()[i] == static_cast<double>(dnarrow.data()[i]));
          CHECK(du.data()[i] == static_cast<float>(dwide.data()[i]));
          CHECK(dw.data()[i] == static_cast<double>(static_cast<float>(dwide.data()[i])));
        }
      }
  });
}

TEST_CASE("16 bits are widened to float; float and double are themselves") {
  const auto x = tensor<bf16, shape<3>>::from(std::vector<bf16>{bf16(1.5f), bf16(-2.0f), bf16(0.25f)});
  const auto y = widened(x);
  static_assert(std::is_same_v<value_t<decltype(y)>, float>);
  const float values[] = {1.5f, -2, 0.25f};
  for (extent_t i = 0; i < 3; ++i) CHECK(y.data()[i] == values[i]);
  const auto same = random_normal<float, shape<3>>({3}, {1, 1});
  CHECK(widened(same).memory() == same.memory());
}
