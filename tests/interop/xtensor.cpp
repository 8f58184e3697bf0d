#include <dcs/interop/xtensor.hpp>

#include <doctest/doctest.h>

#include <xtensor/xarray.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

using namespace dcs;

namespace {
template <class X>
concept viewable = requires(X&& x) {
  as_view<shape<2, 3>>(std::forward<X>(x));
};
static_assert(viewable<xt::xarray<float>&> && viewable<const xt::xarray<float>&>);
static_assert(!viewable<xt::xarray<float>>);
static_assert(!viewable<decltype(std::declval<xt::xarray<float>&>() + 1.0f)>);
}  // namespace

TEST_CASE("a tensor is an xtensor over the same memory") {
  auto t = tensor<float, shape<dyn<"batch">, 3, 4>>::zeros({2, 3, 4});
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<float>(i);
  auto x = as_xtensor(t);
  CHECK(x.dimension() == 3);
  CHECK(x(1, 2, 3) == 23);
  CHECK(&x(0, 0, 0) == t.data());
  CHECK(xt::sum(x)() == 276);
  x(1, 0, 1) = -5;
  CHECK(t(1, 0, 1) == -5);
  CHECK(as_xtensor(tensor<double, shape<dyn<"n">, 3>>::zeros({0, 3})).size() == 0);
}

TEST_CASE("xtensors, column-major ones and strided views are views") {
  xt::xtensor<double, 2> a{{1, 2, 3}, {4, 5, 6}};
  const auto v = as_view<shape<2, 3>>(a);
  CHECK(v.data() == a.data());
  CHECK(v.dense());
  v(1, 1) = 50;
  CHECK(a(1, 1) == 50);

  xt::xarray<float, xt::layout_type::column_major> c{{1, 2, 3}, {4, 5, 6}};
  const auto w = as_view<shape<dyn<"n">, 3>>(c);
  CHECK_FALSE(w.dense());
  CHECK(w(1, 0) == 4);
  CHECK(copy(w)(1, 2) == 6);

  auto part = xt::view(a, xt::all(), xt::range(1, 3));
  const auto p = as_view<shape<2, 2>>(part);
  CHECK(p(0, 0) == 2);
  CHECK(p(1, 1) == 6);

  const auto& constant = a;
  static_assert(std::is_same_v<decltype(as_view<shape<2, 3>>(constant)), view<const double, shape<2, 3>>>);
  CHECK_THROWS_WITH_AS((as_view<shape<2, 4>>(a)), doctest::Contains("[2, 3] do not fit the shape [2, 4]"), error);
  CHECK_THROWS_WITH_AS((as_view<shape<2, 3, 1>>(a)), doctest::Contains("2 axes; expected 3"), error);
}
