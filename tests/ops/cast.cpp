#include <dcs/expr/gradcheck.hpp>
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

TEST_CASE("the gradient of a cast has the type of its input") {
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

namespace {

// A leaf of T through Half and back to it: the gradient is rounded once on its way. A leaf of Half that is used twice: the gradients are rounded, and
// so is their sum.
template <class T, class Half>
void check_half_gradients() {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 5, 6, 17}) {
        const sizes<3> extents{n, h, 3};
        const auto first = random_normal<T, map_t>(extents, {1, 5}), second = random_normal<T, map_t>(extents, {1, 6});
        const auto rounded = [](T v) { return static_cast<T>(static_cast<float>(static_cast<Half>(v))); };

        const auto x = var<T, map_t>::leaf(random_normal<T, map_t>(extents, {1, 1}));
        backward(cast<T>(cast<Half>(x)), first);
        const auto y = var<Half, map_t>::leaf(cast<Half>(x.value()));
        const auto z = cast<T>(y);
        backward(z, first);
        backward(cast<T>(y), second);

        const auto dx = x.grad();
        const auto dy = y.grad();
        static_assert(std::is_same_v<value_t<decltype(dx)>, T> && std::is_same_v<value_t<decltype(dy)>, Half>);
        REQUIRE((dx.sizes() == extents && dy.sizes() == extents));
        for (extent_t i = 0; i < first.size(); ++i) {
          CHECK(z.value().data()[i] == rounded(x.value().data()[i]));
          CHECK(dx.data()[i] == rounded(first.data()[i]));
          CHECK(static_cast<T>(static_cast<float>(dy.data()[i])) == rounded(rounded(first.data()[i]) + rounded(second.data()[i])));
        }
      }
  });
}

}  // namespace

TEST_CASE("gradients of 16 bits: through bf16 and f16 and back, and the sum of two, rounded to nearest") {
  check_half_gradients<float, bf16>(), check_half_gradients<float, f16>();
  check_half_gradients<double, bf16>(), check_half_gradients<double, f16>();
}

namespace {

// The number whose bits these are.
template <class T>
T of_bits(std::int64_t bits) {
  using unsigned_t = std::conditional_t<sizeof(T) == 2, std::uint16_t, std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
  return std::bit_cast<T>(static_cast<unsigned_t>(bits));
}
template <class T>
std::vector<T> of_bits(const std::vector<std::int64_t>& bits) {
  std::vector<T> v;
  for (const std::int64_t b : bits) v.push_back(of_bits<T>(b));
  return v;
}
template <class T>
bool holds_nan(T x) {
  return std::isnan(static_cast<compute_type<T>>(x));
}

// Every bit; NaN stays NaN, whichever.
template <class From, class To>
void check_bits(const std::vector<From>& from, const io::stored_tensor& wanted) {
  using S = shape<dyn<"n">>;
  const auto x = tensor<From, S>::from(from, {static_cast<extent_t>(from.size())});
  const auto value = cast<To>(x);
  const auto recorded = cast<To>(var<From, S>::leaf(x)).value();
  const auto bits = of_bits<To>(wanted.as<std::int64_t>());
  REQUIRE((bits.size() == from.size() && value.size() == x.size() && recorded.size() == x.size()));
  int nans = 0;
  for (extent_t i = 0; i < x.size(); ++i) {
    const To w = bits[static_cast<std::size_t>(i)];
    CAPTURE(static_cast<double>(static_cast<compute_type<From>>(x(i))));
    nans += holds_nan(w);
    CHECK(holds_nan(value(i)) == holds_nan(w));
    CHECK((holds_nan(w) || std::memcmp(&value.data()[i], &w, sizeof(To)) == 0));
    CHECK((holds_nan(w) || std::memcmp(&recorded.data()[i], &w, sizeof(To)) == 0));
  }
  CHECK(nans > 0);
}

}  // namespace

TEST_CASE("casts between f64, f32, bf16 and f16 have the bits of PyTorch's: halves, subnormals, infinities, NaN") {
  const auto file = test::goldens("cast");
  const auto single = file.at("f32").as<float>();
  const auto twice = file.at("f64").as<double>();
  check_bits<float, bf16>(single, file.at("f32.bf16"));
  check_bits<float, f16>(single, file.at("f32.f16"));
  check_bits<float, double>(single, file.at("f32.f64"));
  check_bits<double, bf16>(twice, file.at("f64.bf16"));
  check_bits<double, f16>(twice, file.at("f64.f16"));
  check_bits<double, float>(twice, file.at("f64.f32"));
  check_bits<bf16, float>(of_bits<bf16>(file.at("bf16").as<std::int64_t>()), file.at("bf16.f32"));
  check_bits<f16, float>(of_bits<f16>(file.at("f16").as<std::int64_t>()), file.at("f16.f32"));
}
