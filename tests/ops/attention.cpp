#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/attention/attention.hpp>

#include "check_op.hpp"
#include "masked_scores.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int Heads, int Depth>
void check(extent_t n, extent_t lq, extent_t lk) {
  using Q = shape<dyn<"n">, Heads, dyn<"lq">, Depth>;
  using K = shape<dyn<"n">, Heads, dyn<"lk">, Depth>;
  CAPTURE(n);
  CAPTURE(lq);
  CAPTURE(lk);
  CAPTURE(Depth);
  const auto q = random_normal<double, Q>({n, Heads, lq, Depth}, {1, 1});
  const auto k = random_normal<double, K>({n, Heads, lk, Depth}, {1, 2}), v = random_normal<double, K>({n, Heads, lk, Depth}, {1, 3});
  const double s = 1 / std::sqrt(double{Depth});
  const auto e = matmul(softmax<3>(matmul(q, transpose(k)) * s), v);
  static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::attention>);
  static_assert(std::is_same_v<kernel_of<decltype(matmul(softmax<3>(matmul(var<double, Q>(), transpose(var<double, K>())) * s), var<double, K>()))>,
                               kernels::attention>);
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

TEST_CASE("attention whose probabilities have been evaluated before uses them") {
  using S = shape<1, 2, 6, 4>;
  const auto q = random_normal<double, S>(S::extents, {1, 1}), k = random_normal<double, S>(S::extents, {1, 2}),
             v = random_normal<double, S>(S::extents, {1, 3});
  const auto p = softmax<3>(matmul(q, transpose(k)) * 0.5);
  const auto e = matmul(p, v);
  CHECK(fused<std::remove_cvref_t<decltype(e)>>::applies(e));
  eval(p);
  CHECK_FALSE(fused<std::remove_cvref_t<decltype(e)>>::applies(e));
  const auto found = eval(e), wanted = attention(q, k, v, 0.5);
  for (extent_t i = 0; i < found.size(); ++i) CHECK(found.data()[i] == doctest::Approx(wanted.data()[i]).epsilon(1e-12));
}

TEST_CASE("softmax: values and gradients over every axis") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 1, 2, 4, 7})
      for (extent_t m : {1, 2, 5, 9, 17}) {
        const auto x = random_normal<double, shape<dyn<"n">, 3, dyn<"m">>>({n, 3, m}, {1, 1}, 4);
        CHECK(gradcheck([](const auto& a) { return softmax<1>(a); }, {2, 2}, 12, x) < 1e-6);
        CHECK(gradcheck([](const auto& a) { return softmax<2>(a); }, {2, 2}, 12, x) < 1e-6);
        if (n > 0) CHECK(gradcheck([](const auto& a) { return softmax<0>(a); }, {2, 2}, 12, x) < 1e-6);
      }
  }
  const auto y = eval(softmax<0>(tensor<float, shape<2>>::from(std::vector<float>{1000, 1000})));
  CHECK(y(0) == 0.5f);
}

TEST_CASE_TEMPLATE("attention equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("attention");
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      const std::string name = "attention." + std::to_string(i) + "/";
      auto read = [&](const char* part) { return file.at(name + part).as<T>(); };
      const auto &qs = file.at(name + "q").shape, &ks = file.at(name + "k").shape;
      const auto q = read("q"), k = read("k"), v = read("v"), gradient = read("do");
      const attention_geometry g{qs[0] * qs[1], qs[2], ks[2], qs[3], file.at(name + "scale").as<double>().at(0)};
      std::vector<T> o(q.size()), logsum(static_cast<std::size_t>(g.heads * g.queries)), dq(q.size()), dk(k.size()), dv(v.size());
      cpu::attention_forward<T>(dcs::cpu::device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data());
      cpu::attention_backward<T>(dcs::cpu::device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data(), gradient.data(), dq.data(), dk.data(),
                                 dv.data());
      auto wanted = [&](const char* part) { return file.at(name + part).as<double>(); };
      CHECK(test::relative_error(o, wanted("o")) < test::tolerance<T>);
      CHECK(test::relative_error(dv, wanted("dv")) < test::tolerance<T>);
      if (g.keys == 1) continue;  // one key has probability 1: the other gradients are 0, here but for rounding
      CHECK(test::relative_error(dq, wanted("dq")) < test::tolerance<T>);
      CHECK(test::relative_error(dk, wanted("dk")) < test::tolerance<T>);
    }
  }
}

TEST_CASE("attention has the same bits with any number of threads, dropout included") {
  using S = shape<2, 3, 150, 20>;
  const auto q = random_normal<float, S>(S::extents, {1, 1}), k = random_normal<float, S>(S::extents, {1, 2}),
             v = random_normal<float, S>(S::extents, {1, 3});
  std::vector<tensor<float, S>> first;
  for (int n : {1, 2, 5}) {
    set_threads(n);
    const auto a = var<float, S>::leaf(q), b = var<float, S>::leaf(k), c = var<float, S>::leaf(v);
    const auto o = attention(a, b, c, 0.3, 0.2, {5, 5});
    backward(o, q);
    const std::vector<tensor<float, S>> now{o.value(), a.grad(), b.grad(), c.grad()};
    if (first.empty()) first = now;
    for (std::size_t i = 0; i < now.size(); ++i) CHECK(std::memcmp(first[i].data(), now[i].data(), static_cast<std::size_t>(now[i].bytes())) == 0);
  }
  set_threads(2);
}

TEST_CASE("the mask of attention's dropout is that of its stream, by element of the probabilities") {
  constexpr extent_t heads = 2, lq = 3, lk = 37;
  using V = shape<2, heads, lk, lk>;
  const auto q = tensor<double, shape<2, heads, lq, lk>>::full({2, heads, lq, lk}, 0);  // every probability is 1 / lk
  auto v = tensor<double, V>::full(V::extents, 0);                                      // the identity: o is the dropped probabilities
  for (extent_t n = 0; n < 2; ++n)
    for (extent_t h = 0; h < heads; ++h)
      for (extent_t j = 0; j < lk; ++j) v(n, h, j, j) = 1;
  const random_stream random{8, 9};
  const auto o = attention(q, v, v, 1.0, 0.4, random);
  for (extent_t n = 0; n < 2; ++n)
    for (extent_t h = 0; h < heads; ++h)
      for (extent_t i = 0; i < lq; ++i)
        for (extent_t j = 0; j < lk; ++j) {
          const bool kept = random.uniform(static_cast<std::uint64_t>(((n * heads + h) * lq + i) * lk + j)) >= 0.4f;
          REQUIRE(o(n, h, i, j) == doctest::Approx(kept ? 1 / (0.6 * lk) : 0).epsilon(1e-12));
        }
}

TEST_CASE_TEMPLATE("softmax equals PyTorch's over any axis, forward and backward", T, float, double) {
  const auto file = test::goldens("attention");
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (int i = 0; i < 7; ++i) {
      CAPTURE(i);
      const std::string name = "softmax." + std::to_string(i) + "/";
      const auto& s = file.at(name + "x").shape;
      const auto axis = static_cast<std::size_t>(file.at(name + "axis").as<std::int64_t>().at(0));
      extent_t outer = 1, inner = 1;
      for (std::size_t d = 0; d < s.size(); ++d)
        if (d != axis) (d < axis ? outer : inner) *= s[d];
      const auto x = file.at(name + "x").as<T>(), dy = file.at(name + "dy").as<T>();
      std::vector<T> y(x.size()), dx(x.size());
      cpu::softmax_forward(dcs::cpu::device{}, x.data(), y.data(), outer, s[axis], inner);
      cpu::softmax_backward(dcs::cpu::device{}, y.data(), dy.data(), dx.data(), outer, s[axis], inner);
      CHECK(test::relative_error(y, file.at(name + "y").as<double>()) < test::tolerance<T>);
      if (s[axis] > 1) CHECK(test::relative_error(dx, file.at(name + "dx").as<double>()) < test::tolerance<T>);
    }
  }
}

TEST_CASE_TEMPLATE("softmax and attention as ops over types equal PyTorch's too", T, float, double) {
  using L = shape<dyn<"n">, dyn<"m">>;
  using Q = shape<dyn<"n">, dyn<"heads">, dyn<"lq">, dyn<"depth">>;
  using K = shape<dyn<"n">, dyn<"heads">, dyn<"lk">, dyn<"depth">>;
  const auto file = test::goldens("attention");
  const auto last = [](const auto& x) { return softmax<-1>(x); };
  const auto middle = [](const auto& x) { return softmax<1>(x); };
  test::for_each_isa([&] {
    test::check_op<T, L>(file, "softmax.0", {"x"}, last);
    test::check_op<T, shape<3, dyn<"n">, 7>>(file, "softmax.1", {"x"}, middle);
    test::check_op<T, L>(file, "softmax.2", {"x"}, [](const auto& x) { return softmax<0>(x); });
    test::check_op<T, shape<dyn<"n">, 2, 2, 4>>(file, "softmax.4", {"x"}, last);
    test::check_op<T, shape<2, 33, dyn<"m">>>(file, "softmax.5", {"x"}, middle);
    test::check_op<T, L>(file, "softmax.6", {"x"}, last);
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      const std::string name = "attention." + std::to_string(i) + "/";
      const double scale = file.at(name + "scale").template as<double>().at(0);
      const auto leaf = [&]<class S>(S, const char* part) { return var<T, S>::leaf(test::golden_tensor<T, S>(file, name + part)); };
      auto q = leaf(Q{}, "q");
      auto k = leaf(K{}, "k"), v = leaf(K{}, "v");
      const auto check = [&](const auto& o) {
        CHECK(test::golden_error(o.value(), file, name + "o") < test::tolerance<T>);
        q.clear_grad(), k.clear_grad(), v.clear_grad();
        backward(o, test::golden_tensor<T, Q>(file, name + "do"));
        CHECK(test::golden_error(v.grad(), file, name + "dv") < test::tolerance<T>);
        if (k.sizes()[2] == 1) return;  // one key has probability 1: the other gradients are 0, here but for rounding
        CHECK(test::golden_error(q.grad(), file, name + "dq") < test::tolerance<T>);
        CHECK(test::golden_error(k.grad(), file, name + "dk") < test::tolerance<T>);
      };
      check(attention(q, k, v, scale));
      check(eval(matmul(softmax<3>(matmul(q, transpose(k)) * scale), v)));
    }
  });
}

TEST_CASE("sizes and dropout that do not fit are errors") {
  using Q = shape<1, 1, dyn<"l">, 2>;
  using K = shape<1, 1, dyn<"key">, 2>;
  const auto q = tensor<float, Q>::full({1, 1, 3, 2}, 1);
  const auto k = tensor<float, K>::full({1, 1, 3, 2}, 1), longer = tensor<float, K>::full({1, 1, 4, 2}, 1);
  const auto none = tensor<float, K>::empty({1, 1, 0, 2});
  const auto no_query = tensor<float, Q>::empty({1, 1, 0, 2});
  CHECK_THROWS_WITH_AS(attention(no_query, k, k, 1.0), doctest::Contains("no tokens"), error);
  CHECK_THROWS_WITH_AS(attention(q, none, none, 1.0), doctest::Contains("do not fit"), error);
  CHECK_THROWS_WITH_AS(attention(q, k, longer, 1.0), doctest::Contains("axis 2 (key) of sizes [1, 1, 4, 2] is 4"), error);
  CHECK_THROWS_WITH_AS(attention(q, q, q, 1.0, 1.0), doctest::Contains("dropout"), error);
}

TEST_CASE_TEMPLATE("scores of −∞ have probability 0, and a row of such scores alone is NaN, as the unfused ops have it", T, float, double) {
  test::for_each_isa([] {
    for (const extent_t depth : {2, 5, 32})
      masked_scores::for_each_mask(depth, [](const masked_scores::mask& m) {
        const auto x = masked_scores::make<T>(m);
        const auto wanted = masked_scores::run(masked_scores::step_by_step, x);
        masked_scores::check_all(masked_scores::run(masked_scores::fused_form, x), wanted, x, sizeof(T) == 8 ? 1e-12 : 1e-4);
        extent_t nans = 0;
        for (extent_t i = 0; i < m.rows; ++i) {
          const T value = std::get<0>(wanted)(0, 1, i, 0);
          CHECK(std::isnan(value) == m.blind(i));
          nans += std::isnan(value) ? 1 : 0;
        }
        CHECK(std::isnan(std::get<3>(wanted)(0, 0, 0, 0)) == (nans > 0));  // gradients are numbers where all results are
      });
  });
}

TEST_CASE("infinite keys and values, and scores of ∞ and NaN, give the results of the unfused ops") {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  test::for_each_isa([] {
    for (const double number : {-infinity, infinity, nan})
      for (const extent_t columns : {3, 40, 300})
        for (const extent_t count : {extent_t{1}, columns - 1, columns}) {
          CAPTURE(number);
          CAPTURE(columns);
          CAPTURE(count);
          auto x = masked_scores::make<double>({3, columns, 4, 0, 0, [](extent_t) { return false; }});
          x.q(0, 0, 0, 2) = 1, x.q(0, 0, 1, 2) = 0, x.q(0, 0, 2, 2) = -1;
          for (extent_t j = 0; j < count; ++j) x.k(0, 0, j, 2) = number;
          if (columns == 40) x.v(0, 1, 7, 1) = number;
          masked_scores::check_same(masked_scores::fused_form(x.q, x.k, x.v), masked_scores::step_by_step(x.q, x.k, x.v), x.q, 1e-12);
        }
  });
}
