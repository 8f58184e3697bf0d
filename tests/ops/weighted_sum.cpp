#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

#include "goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int C>
using maps = shape<dyn<"n">, dyn<"h">, 3, C>;

// f of 21 numbers of images and rows.
template <class F>
void for_each_size(const F& f) {
  for (extent_t n : {0, 1, 3})
    for (extent_t h : {1, 2, 3, 4, 5, 8, 9}) {
      CAPTURE(n);
      CAPTURE(h);
      f(n, h);
    }
}

auto equation(const auto& l, const auto& a, const auto& b, const auto& c, const auto& d) {
  auto w = softmax<channel>(l);
  return slice<channel, 0>(w) * a + slice<channel, 1>(w) * b + slice<channel, 2>(w) * c + slice<channel, 3>(w) * d;
}

}  // namespace

TEST_CASE("eqs 8 and 9 as written select one kernel, for tensors and vars, and pass the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2})
      for (extent_t h : {1, 2, 5}) {
        auto check = [&]<int C>(std::integral_constant<int, C>) {
          const auto l = random_normal<double, maps<4>>({n, h, 3, 4}, {1, 1});
          const auto a = random_normal<double, maps<C>>({n, h, 3, C}, {1, 2}), b = random_normal<double, maps<C>>({n, h, 3, C}, {1, 3});
          const auto c = random_normal<double, maps<C>>({n, h, 3, C}, {1, 4}), d = random_normal<double, maps<C>>({n, h, 3, C}, {1, 5});
          static_assert(std::is_same_v<kernel_of<decltype(equation(l, a, b, c, d))>, kernels::weighted_sum>);
          using v = var<double, maps<C>>;
          static_assert(std::is_same_v<kernel_of<decltype(equation(var<double, maps<4>>(), v(), v(), v(), v()))>, kernels::weighted_sum>);
          CHECK(gradcheck([](const auto&... x) { return equation(x...); }, {6, 6}, 10, l, a, b, c, d) < 1e-6);
          const auto y = eval(equation(l, a, b, c, d));
          const auto w = eval(softmax<channel>(l));
          const auto wanted =
              eval(eval(slice<channel, 0>(w)) * a + eval(slice<channel, 1>(w)) * b + eval(slice<channel, 2>(w)) * c + eval(slice<channel, 3>(w)) * d);
          for (extent_t i = 0; i < y.size(); ++i) REQUIRE(y.data()[i] == doctest::Approx(wanted.data()[i]).epsilon(1e-12));
        };
        check(std::integral_constant<int, 1>{});
        check(std::integral_constant<int, 16>{});
        check(std::integral_constant<int, 21>{});
      }
  }
}

TEST_CASE("equations with two softmaxes, or an index twice, are evaluated unfused, with correct values") {
  using S = shape<1, 2, 2, 2>;
  const auto l = random_normal<double, S>(S::extents, {1, 1}), l2 = random_normal<double, S>(S::extents, {1, 2});
  const auto a = random_normal<double, S>(S::extents, {1, 3}), b = random_normal<double, S>(S::extents, {1, 4});
  auto w = softmax<channel>(l), w2 = softmax<channel>(l2);
  auto same = slice<channel, 0>(w) * a + slice<channel, 1>(w) * b;
  auto mixed = slice<channel, 0>(w) * a + slice<channel, 1>(w2) * b;
  auto twice = slice<channel, 0>(w) * a + slice<channel, 0>(w) * b;
  auto turned = slice<channel, 1>(w) * a + b * slice<channel, 0>(w);
  static_assert(std::is_same_v<decltype(same), decltype(mixed)>);
  CHECK(fused<decltype(same)>::applies(same));
  CHECK_FALSE(fused<decltype(mixed)>::applies(mixed));
  CHECK_FALSE(fused<decltype(twice)>::applies(twice));
  CHECK(fused<decltype(turned)>::applies(turned));
  const auto p = eval(w), p2 = eval(w2);
  const auto ym = eval(mixed), yt = eval(twice), yr = eval(turned);
  for (extent_t i = 0; i < 2; ++i)
    for (extent_t j = 0; j < 2; ++j)
      for (extent_t c = 0; c < 2; ++c) {
        CHECK(ym(0, i, j, c) == doctest::Approx(p(0, i, j, 0) * a(0, i, j, c) + p2(0, i, j, 1) * b(0, i, j, c)));
        CHECK(yt(0, i, j, c) == doctest::Approx(p(0, i, j, 0) * (a(0, i, j, c) + b(0, i, j, c))));
        CHECK(yr(0, i, j, c) == doctest::Approx(p(0, i, j, 1) * a(0, i, j, c) + p(0, i, j, 0) * b(0, i, j, c)));
      }
}

TEST_CASE("equations that are evaluated unfused have correct gradients too") {
  for_each_size([](extent_t n, extent_t h) {
    const auto normal = [n, h](std::uint64_t stream) { return random_normal<double, maps<2>>({n, h, 3, 2}, {2, stream}); };
    const auto l = normal(1), l2 = normal(2), a = normal(3), b = normal(4);
    auto mixed = [](const auto& x, const auto& y, const auto& p, const auto& q) {
      return slice<channel, 0>(softmax<channel>(x)) * p + slice<channel, 1>(softmax<channel>(y)) * q;
    };
    auto twice = [](const auto& x, const auto& p, const auto& q) {
      const auto w = softmax<channel>(x);
      return slice<channel, 1>(w) * p + slice<channel, 1>(w) * q;
    };
    auto turned = [](const auto& x, const auto& p, const auto& q) {
      const auto w = softmax<channel>(x);
      return slice<channel, 1>(w) * p + q * slice<channel, 0>(w);
    };
    CHECK(gradcheck(mixed, {3, 1}, 20, l, l2, a, b) < 1e-6);
    CHECK(gradcheck(twice, {3, 2}, 20, l, a, b) < 1e-6);
    CHECK(gradcheck(turned, {3, 3}, 20, l, a, b) < 1e-6);
  });
}

TEST_CASE("fusion of two and of eight maps passes the gradient check") {
  for_each_size([](extent_t n, extent_t h) {
    const auto map = [n, h](std::uint64_t stream) { return random_normal<double, maps<5>>({n, h, 3, 5}, {3, stream}); };
    const auto two = random_normal<double, maps<2>>({n, h, 3, 2}, {3, 9});
    const auto eight = random_normal<double, maps<8>>({n, h, 3, 8}, {3, 10});
    const auto fuse = [](const auto&... x) { return weighted_sum(x...); };
    CHECK(gradcheck(fuse, {3, 4}, 6, two, map(1), map(2)) < 1e-6);
    CHECK(gradcheck(fuse, {3, 5}, 6, eight, map(1), map(2), map(3), map(4), map(5), map(6), map(7), map(8)) < 1e-6);
  });
}

TEST_CASE("the fused kernel makes one tensor, the equation unfused many") {
  using S = shape<1, 8, 8, 16>;
  using L = shape<1, 8, 8, 4>;
  const auto l = random_normal<float, L>(L::extents, {1, 1});
  const auto a = random_normal<float, S>(S::extents, {1, 2});
  host_allocator::get().reset_statistics();
  const auto y = eval(equation(l, a, a, a, a));
  CHECK(host_allocator::get().statistics().allocations == 1);
}

namespace {

template <int K, class T>
void check_golden(const io::safetensors& file, int channels) {
  const std::string name = std::to_string(K) + "." + std::to_string(channels) + "/";
  CAPTURE(name);
  const auto logits = file.at(name + "logits").as<T>(), maps = file.at(name + "maps").as<T>(), dy = file.at(name + "dy").as<T>();
  const std::size_t n = maps.size() / K;
  std::vector<T> y(n), dlogits(logits.size()), dmaps(maps.size());
  const T* in[K];
  T* out[K];
  for (std::size_t k = 0; k < K; ++k) in[k] = maps.data() + k * n, out[k] = dmaps.data() + k * n;
  const auto pixels = static_cast<std::int64_t>(logits.size() / K);
  cpu::weighted_sum_forward<K>(dcs::cpu::device{}, logits.data(), in, y.data(), pixels, channels);
  cpu::weighted_sum_backward<K>(dcs::cpu::device{}, logits.data(), in, dy.data(), dlogits.data(), out, pixels, channels);
  CHECK(test::relative_error(y, file.at(name + "y").as<double>()) < test::tolerance<T>);
  CHECK(test::relative_error(dlogits, file.at(name + "dlogits").as<double>()) < test::tolerance<T>);
  CHECK(test::relative_error(dmaps, file.at(name + "dmaps").as<double>()) < test::tolerance<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("pixel-adaptive fusion of two to eight maps equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("weighted_sum");
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (int c : {1, 5, 16, 35}) [&]<int... I>(std::integer_sequence<int, I...>) {
        (check_golden<I + 2, T>(file, c), ...);
      }
    (std::make_integer_sequence<int, 7>{});
  }
}
