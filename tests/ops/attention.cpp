#include <dcs/grad/gradcheck.hpp>
#include <dcs/ops/attention/attention.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int Heads, int Depth>
void check(extent_t n, extent_t lq, extent_t lk) {
  using Q = shape<dyn<"n">, Heads, dyn<"lq">, Depth>;
  using K = shape<dyn<"n">, Heads, dyn<"lk">, Depth>;
  CAPTURE(n); CAPTURE(lq); CAPTURE(lk); CAPTURE(Depth);
  const auto q = random_normal<double, Q>({n, Heads, lq, Depth}, {1, 1});
  const auto k = random_normal<double, K>({n, Heads, lk, Depth}, {1, 2}), v = random_normal<double, K>({n, Heads, lk, Depth}, {1, 3});
  const double s = 1 / std::sqrt(double{Depth});
  const auto e = matmul(softmax<3>(matmul(q, transpose(k)) * s), v);
  static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::attention>);
  const auto o = eval(e);
  const auto p = eval(softmax<3>(eval(matmul(q, transpose(k)) * s)));
  const auto unfused = eval(matmul(p, v));
  for (extent_t i = 0; i < o.size(); ++i) CHECK(o.data()[i] == doctest::Approx(unfused.data()[i]).epsilon(1e-12));
  auto equation = [s](const auto& a, const auto& b, const auto& c) { return matmul(softmax<3>(matmul(a, transpose(b)) * s), c); };
  CHECK(gradcheck(equation, {7, 7}, 8, q, k, v) < 1e-6);
  CHECK(gradcheck([s](const auto& a, const auto& b, const auto& c) { return attention(a, b, c, s, 0.3, {4, 4}); }, {7, 8}, 8, q, k, v) < 1e-6);

  const auto f = attention(cast<float>(q), cast<float>(k), cast<float>(v), s);
  for (extent_t i = 0; i < o.size(); ++i) CHECK(static_cast<double>(f.data()[i]) == doctest::Approx(o.data()[i]).epsilon(1e-4));
}

}  // namespace

TEST_CASE("attention equals the unfused equation and passes the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2})
      for (extent_t l : {1, 5}) {
        check<1, 1>(n, l, 3);
        check<2, 8>(n, l, 7);
        check<2, 32>(n, 7, l);
        check<1, 5>(n, l, l);
      }
    check<1, 32>(1, 130, 270);
    check<1, 64>(1, 65, 129);
  }
}

TEST_CASE("softmax: values and gradients over every axis") {
  for (extent_t n : {0, 1, 4})
    for (extent_t m : {1, 2, 9}) {
      const auto x = random_normal<double, shape<dyn<"n">, 3, dyn<"m">>>({n, 3, m}, {1, 1}, 4);
      CHECK(gradcheck([](const auto& a) { return softmax<1>(a); }, {2, 2}, 12, x) < 1e-6);
      CHECK(gradcheck([](const auto& a) { return softmax<2>(a); }, {2, 2}, 12, x) < 1e-6);
      if (n > 0) CHECK(gradcheck([](const auto& a) { return softmax<0>(a); }, {2, 2}, 12, x) < 1e-6);
    }
  const auto y = eval(softmax<0>(tensor<float, shape<2>>::from(std::vector<float>{1000, 1000})));
  CHECK(y(0) == 0.5f);
}
