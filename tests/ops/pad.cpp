// pad on the host: gradients against differences, values and gradients against PyTorch's, extents with names, sizes of 0 and 1.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/pad/pad.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent n = dyn<"n">, h = dyn<"h">;
constexpr auto reflect = pad_mode::reflect, replicate = pad_mode::replicate;

}  // namespace

TEST_CASE("pad: gradients") {
  test::for_each_isa([] {
    for (const extent_t images : {0, 1, 2, 3})
      for (const extent_t rows : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, shape<n, h, 3, 4>>({images, rows, 3, 4}, {1, 1});
        const auto check = [&](const auto& f) { CHECK(gradcheck(f, {3, 3}, 12, x) < 1e-6); };
        check([](const auto& a) { return square(pad<1, 2, 1>(a, 0.5)); });
        check([](const auto& a) { return square(pad<2, 2, 1, reflect>(a)); });
        check([](const auto& a) { return square(pad<-1, 3, 0, reflect>(a)); });
        check([](const auto& a) { return square(pad<3, 1, 5, replicate>(a)); });
        check([](const auto& a) { return square(pad<1, 2, 3, replicate>(a)); });
        if (rows > 2) check([](const auto& a) { return square(pad<1, 1, 2, reflect>(a)); });
      }
  });
}

TEST_CASE_TEMPLATE("pad equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("pad");
  const auto check = [&]<class S>(std::type_identity<S>, const char* name, const auto& f) {
    test::check_op<T, S>(file, name, {"x"}, f, sizeof(T) == 8 ? 1e-15 : test::tolerance<T>);
  };
  const std::type_identity<shape<2, 3, 5>> fixed;
  const std::type_identity<shape<n, h, dyn<"w">>> named;
  test::for_each_isa([&] {
    check(fixed, "constant.0.1.1", [](const auto& x) { return pad<0, 1, 1>(x); });
    check(named, "constant.0.1.1", [](const auto& x) { return pad<0, 1, 1>(x); });
    check(named, "constant.1.1.2", [](const auto& x) { return pad<1, 1, 2>(x, -2.5); });
    check(named, "constant.2.0.3", [](const auto& x) { return pad<2, 0, 3>(x, 1); });
    check(fixed, "constant.2.2.0", [](const auto& x) { return pad<-1, 2, 0>(x); });
    check(fixed, "reflect.1.2.1", [](const auto& x) { return pad<1, 2, 1, reflect>(x); });
    check(fixed, "reflect.2.0.4", [](const auto& x) { return pad<2, 0, 4, reflect>(x); });
    check(fixed, "reflect.0.1.0", [](const auto& x) { return pad<0, 1, 0, reflect>(x); });
    check(fixed, "reflect.2.3.3", [](const auto& x) { return pad<2, 3, 3, reflect>(x); });
    check(fixed, "replicate.1.2.1", [](const auto& x) { return pad<1, 2, 1, replicate>(x); });
    check(fixed, "replicate.2.0.6", [](const auto& x) { return pad<2, 0, 6, replicate>(x); });
    check(fixed, "replicate.0.1.1", [](const auto& x) { return pad<0, 1, 1, replicate>(x); });
    check(named, "reflect.1.2.1", [](const auto& x) { return pad<1, 2, 1, reflect>(x); });
    check(named, "reflect.2.0.4", [](const auto& x) { return pad<2, 0, 4, reflect>(x); });
    check(named, "reflect.0.1.0", [](const auto& x) { return pad<0, 1, 0, reflect>(x); });
    check(named, "reflect.2.3.3", [](const auto& x) { return pad<2, 3, 3, reflect>(x); });
    check(named, "replicate.1.2.1", [](const auto& x) { return pad<1, 2, 1, replicate>(x); });
    check(named, "replicate.2.0.6", [](const auto& x) { return pad<2, 0, 6, replicate>(x); });
    check(named, "replicate.0.1.1", [](const auto& x) { return pad<0, 1, 1, replicate>(x); });
  });
}

TEST_CASE("a padded name is the name and the sum, a window takes the padding off again; sizes of 0") {
  const auto x = tensor<float, shape<n, h, 2>>::full({1, 4, 2}, 1);
  const auto y = pad<1, 1, 1>(x, 3);
  static_assert(std::is_same_v<shape_t<decltype(y)>, shape<n, windowed(h, 1, 1, 1), 2>>);
  static_assert(windowed(extent_of<shape_t<decltype(y)>, 1>, 3, 1, 0) == h);
  CHECK(y.sizes() == sizes<3>{1, 6, 2});
  CHECK(y(0, 0, 1) == 3);
  CHECK(y(0, 4, 1) == 1);
  CHECK(pad<1, 0, 0>(x).sizes() == x.sizes());
  CHECK(pad<2, 0, 0, reflect>(x).memory() == x.memory());
  static_assert(std::is_same_v<shape_t<decltype(pad<0, 1, 2>(probe<float, shape<3, 4>>()))>, shape<6, 4>>);

  const auto none = tensor<float, shape<n, h, 2>>::empty({0, 4, 2});
  CHECK(pad<1, 1, 1>(none).sizes() == sizes<3>{0, 6, 2});
  CHECK(pad<1, 3, 1, reflect>(none).sizes() == sizes<3>{0, 8, 2});
  CHECK(pad<2, 1, 0, replicate>(none).sizes() == sizes<3>{0, 4, 3});
  CHECK(pad<0, 1, 0>(none, 2).sizes() == sizes<3>{1, 4, 2});
  CHECK(pad<0, 1, 0>(none, 2)(0, 3, 1) == 2);
  CHECK_THROWS_WITH_AS((pad<1, 1, 1>(tensor<float, shape<n, h, 2>>::empty({2, 0, 2}))),
                       doctest::Contains("dcs::pad: sizes [2, 0, 2] are 0 at axis 1"), error);
  static_assert(std::is_same_v<shape_t<decltype(pad<1, 2, 1, reflect>(x))>, shape<n, plus(h, 3), 2>>);
  static_assert(std::is_same_v<shape_t<decltype(pad<1, 0, 1, replicate>(probe<float, shape<3, 4>>()))>, shape<3, 5>>);
  CHECK(pad<1, 3, 3, reflect>(x).sizes() == sizes<3>{1, 10, 2});
  CHECK_THROWS_WITH_AS((pad<1, 4, 1, reflect>(x)), "dcs::pad: axis 1 of sizes [1, 4, 2] is 4; to be reflected by 4 it must be at least 5", error);
  CHECK_THROWS_WITH_AS((pad<1, 1, 4, reflect>(x)), doctest::Contains("to be reflected by 4 it must be at least 5"), error);
  CHECK_THROWS_WITH_AS((pad<0, 0, 2, replicate>(none)), "dcs::pad: axis 0 of sizes [0, 4, 2] is 0; to be replicated by 2 it must be at least 1",
                       error);
}
