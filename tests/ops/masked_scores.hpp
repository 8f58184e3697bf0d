// Attention with some scores of −∞: inputs, the unfused equation, and the comparison of results.
#pragma once

#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/attention/attention.hpp>

#include <doctest/doctest.h>

namespace masked_scores {

using namespace dcs;

using queries = shape<1, 2, dyn<"lq">, dyn<"d">>;
using keys = shape<1, 2, dyn<"lk">, dyn<"d">>;

/// Which scores are −∞: rows of odd number ignore the keys [first, last), and rows for which `blind` is true ignore all keys.
struct mask {
  extent_t rows, columns, depth, first, last;
  bool (*blind)(extent_t row);
};

template <class T>
struct inputs {
  tensor<T, queries> q;
  tensor<T, keys> k, v;
};

/// Products of `large` with itself overflow in T, but it is finite, so that no gradient is NaN by a product with an infinity.
template <class T>
inputs<T> make(const mask& m) {
  const double large = std::is_same_v<T, double> ? 0x1p600 : 0x1p100;
  inputs<double> x{random_normal<double, queries>({1, 2, m.rows, m.depth}, {1, 1}), random_normal<double, keys>({1, 2, m.columns, m.depth}, {1, 2}),
                   random_normal<double, keys>({1, 2, m.columns, m.depth}, {1, 3})};
  for (extent_t h = 0; h < 2; ++h) {
    for (extent_t i = 0; i < m.rows; ++i) x.q(0, h, i, 0) = i % 2 == 1 ? large : 0, x.q(0, h, i, 1) = m.blind(i) ? large : 0;
    for (extent_t j = 0; j < m.columns; ++j) x.k(0, h, j, 0) = j >= m.first && j < m.last ? -large : 0, x.k(0, h, j, 1) = -large;
  }
  return {cast<T>(x.q), cast<T>(x.k), cast<T>(x.v)};
}

/// Every row attends only to the keys from `first` on, as the scores of those before are −∞.
template <class T>
inputs<T> make_infinite(extent_t rows, extent_t columns, extent_t depth, extent_t first) {
  inputs<double> x{random_normal<double, queries>({1, 2, rows, depth}, {1, 1}), random_normal<double, keys>({1, 2, columns, depth}, {1, 2}),
                   random_normal<double, keys>({1, 2, columns, depth}, {1, 3})};
  for (extent_t h = 0; h < 2; ++h) {
    for (extent_t i = 0; i < rows; ++i) x.q(0, h, i, 0) = 1;
    for (extent_t j = 0; j < first; ++j) x.k(0, h, j, 0) = -std::numeric_limits<double>::infinity();
  }
  return {cast<T>(x.q), cast<T>(x.k), cast<T>(x.v)};
}

/// softmax(q · kᵀ · 0.3) · v, one op after the other.
inline constexpr auto step_by_step = [](const auto& q, const auto& k, const auto& v) {
  const auto probabilities = eval(softmax<3>(eval(eval(matmul(q, transpose(k))) * 0.3)));
  return eval(matmul(probabilities, v));
};
inline constexpr auto fused_form = [](const auto& q, const auto& k, const auto& v) { return attention(q, k, v, 0.3); };

/// The result and the gradients of q, k and v.
template <class D = cpu_device, class F, class T>
auto run(const F& f, const inputs<T>& x) {
  const auto q = var<T, queries, D>::leaf(to<D>(x.q));
  const auto k = var<T, keys, D>::leaf(to<D>(x.k)), v = var<T, keys, D>::leaf(to<D>(x.v));
  const auto o = f(q, k, v);
  backward(o, to<D>(cast<T>(random_normal<double, queries>(o.sizes(), {1, 4}))));
  return std::tuple(to<cpu_device>(o.value()), to<cpu_device>(q.grad()), to<cpu_device>(k.grad()), to<cpu_device>(v.grad()));
}

template <class T>
double number(T x) {
  return static_cast<double>(static_cast<compute_type<T>>(x));
}
/// NaN where the other is NaN; elsewhere near, measured by the largest number of the same column of depth, in `wanted` and in what a gradient is a
/// sum of multiples of.
template <class T, class U, class S, class F>
void check_same(const tensor<T, S>& found, const tensor<U, S>& wanted, const F& factors, double tolerance) {
  const extent_t depth = wanted.sizes()[3];
  std::vector<double> largest(static_cast<std::size_t>(depth), 1e-30);
  const auto measure = [&](const auto& x) {
    for (extent_t i = 0; i < x.size(); ++i)
      if (double& most = largest[static_cast<std::size_t>(i % depth)]; std::abs(number(x.data()[i])) > most) most = std::abs(number(x.data()[i]));
  };
  measure(wanted), measure(factors);
  extent_t other_nans = 0;
  double worst = 0;
  for (extent_t i = 0; i < wanted.size(); ++i) {
    const double f = number(found.data()[i]), w = number(wanted.data()[i]);
    if (std::isnan(f) != std::isnan(w))
      ++other_nans;
    else if (!std::isnan(w))
      worst = std::max(worst, std::abs(f - w) / largest[static_cast<std::size_t>(i % depth)]);
  }
  CHECK(other_nans == 0);
  CHECK(worst < tolerance);
}
template <class A, class B, class T>
void check_all(const A& found, const B& wanted, const inputs<T>& x, double tolerance) {
  const auto part = [&]<std::size_t I>(std::integral_constant<std::size_t, I>, const auto& factors) {
    CAPTURE(I);
    check_same(std::get<I>(found), std::get<I>(wanted), factors, tolerance);
  };
  part(std::integral_constant<std::size_t, 0>{}, x.v), part(std::integral_constant<std::size_t, 1>{}, x.k);
  part(std::integral_constant<std::size_t, 2>{}, x.q), part(std::integral_constant<std::size_t, 3>{}, x.v);
}

/// Some keys, all keys of the first blocks, one key left, whole rows.
template <class Check>
void for_each_mask(extent_t depth, const Check& check) {
  const auto none = [](extent_t) { return false; };
  for (const mask& m :
       {mask{5, 7, depth, 2, 5, none}, mask{3, 70, depth, 0, 65, none}, mask{70, 300, depth, 0, 299, none}, mask{4, 300, depth, 256, 300, none},
        mask{3, 7, depth, 0, 3, [](extent_t i) { return i == 2; }}, mask{2, 140, depth, 0, 70, [](extent_t) { return true; }}}) {
    CAPTURE(m.rows);
    CAPTURE(m.columns);
    CAPTURE(m.first);
    CAPTURE(m.last);
    check(m);
  }
}

}  // namespace masked_scores
