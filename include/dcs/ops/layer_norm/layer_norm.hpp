// Layer norm over the last axis (Ba, Kiros & Hinton 2016), optionally of a sum of two operands: a post-norm Transformer normalises x + f(x), and the sum
// then needs no pass of its own. Rows are independent; the gradients of gamma and beta are summed by fixed blocks of rows.
#pragma once

#include <dcs/expr/pointwise.hpp>

namespace dcs {

DCS_DEFINE_EXTENT_CHECK(layer_norm_mismatch, "dcs::layer_norm: gamma and beta must have the extent of the input's last axis");

/// Whether layer_norm accepts an input of shape S with parameters of shape P.
template <class S, class P>
concept layer_norm_fits = S::rank >= 1 && P::rank == 1 && extent_of<S, -1> == extent_of<P, 0>;

namespace detail {

// sum = x + residual (where given), y = norm(sum); statistics: mean and inverse deviation of each row.
template <class T>
void layer_norm_forward(cpu_device, const T* x, const T* residual, const T* gamma, const T* beta, double eps, T* sum, T* y, double* statistics,
                        extent_t rows, extent_t n) {
  cpu::parallel_chunks(rows, std::max<extent_t>(1, 8192 / n), [=](extent_t begin, extent_t end) {
    for (extent_t r = begin; r < end; ++r) {
      const T* row = x + r * n;
      if (residual) {
        for (extent_t i = 0; i < n; ++i) sum[r * n + i] = x[r * n + i] + residual[r * n + i];
        row = sum + r * n;
      }
      double mean = 0, variance = 0;
      for (extent_t i = 0; i < n; ++i) mean += static_cast<double>(row[i]);
      mean /= static_cast<double>(n);
      for (extent_t i = 0; i < n; ++i) variance += (static_cast<double>(row[i]) - mean) * (static_cast<double>(row[i]) - mean);
      const double inverse = 1 / std::sqrt(variance / static_cast<double>(n) + eps);
      statistics[2 * r] = mean, statistics[2 * r + 1] = inverse;
      for (extent_t i = 0; i < n; ++i)
        y[r * n + i] = static_cast<T>((static_cast<double>(row[i]) - mean) * inverse) * gamma[i] + beta[i];
    }
  });
}

template <class T>
void layer_norm_backward(cpu_device, const T* x, const T* dy, const T* gamma, const double* statistics, T* dx, T* dgamma, T* dbeta, extent_t rows, extent_t n) {
  const extent_t blocks = std::max<extent_t>(1, std::min<extent_t>(16, rows));
  scratch<double> partial(2 * blocks * n);
  cpu::parallel_for(blocks, [&](extent_t b) {
    double *sg = partial.data() + 2 * b * n, *sb = sg + n;
    std::fill(sg, sg + 2 * n, 0.0);
    for (extent_t r = rows * b / blocks; r < rows * (b + 1) / blocks; ++r) {
      const double mean = statistics[2 * r], inverse = statistics[2 * r + 1];
      double sum = 0, product = 0;
      for (extent_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(dy[r * n + i]), h = (static_cast<double>(x[r * n + i]) - mean) * inverse;
        sg[i] += g * h, sb[i] += g;
        sum += g * static_cast<double>(gamma[i]), product += g * static_cast<double>(gamma[i]) * h;
      }
      sum /= static_cast<double>(n), product /= static_cast<double>(n);
      if (dx)
        for (extent_t i = 0; i < n; ++i) {
          const double h = (static_cast<double>(x[r * n + i]) - mean) * inverse;
          dx[r * n + i] = static_cast<T>((static_cast<double>(dy[r * n + i]) * static_cast<double>(gamma[i]) - sum - h * product) * inverse);
        }
    }
  });
  for (extent_t i = 0; i < n; ++i) {
    double g = 0, b = 0;
    for (extent_t k = 0; k < blocks; ++k) g += partial[2 * k * n + i], b += partial[(2 * k + 1) * n + i];
    dgamma[i] = static_cast<T>(g), dbeta[i] = static_cast<T>(b);
  }
}

template <bool Residual, class X, class R, class G, class B>
constexpr auto layer_norm_of(const X& x_, const R& residual_, const G& gamma_, const B& beta_, double eps) {
  using S = shape_t<X>;
  using P = shape_t<G>;
  (void)layer_norm_mismatch<found<extent_of<P, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>{};
  (void)layer_norm_mismatch<found<extent_of<shape_t<B>, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>{};
  static_assert(std::is_same_v<shape_t<R>, S>, "dcs::layer_norm: the residual must have the shape of the input");
  if constexpr (any_probe_v<X>) {
    const auto x = eval(x_);
    note_work<S>(nullptr, S::extents, work{0, 4 * S::size()}, x);
    return probe_result<S>(x);
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    constexpr extent_t n = extent_of<P, 0>;
    const auto x = eval(x_);
    const auto residual = eval(residual_);
    const auto gamma = eval(gamma_);
    const auto beta = eval(beta_);
    expect(residual.sizes() == x.sizes(), "dcs::layer_norm: a residual of sizes ", to_string(residual.sizes()), " beside ", to_string(x.sizes()));
    const extent_t rows = x.size() / n;
    auto y = tensor<T, S, D>::empty(x.sizes());
    auto sum = Residual ? tensor<T, S, D>::empty(x.sizes()) : value(x);
    auto statistics = tensor<double, shape<dyn<"row">, 2>>::empty({rows, 2});
    layer_norm_forward(D{}, value(x).data(), Residual ? value(residual).data() : nullptr, value(gamma).data(), value(beta).data(), eps, sum.data(), y.data(),
                       statistics.data(), rows, n);
    note_work<S>(value(gamma).data(), x.sizes(), work{0, 4 * y.size()}, x);
    return record(
        std::move(y),
        [rows, sum, statistics, g = value(gamma), gx = sink_of(x), gr = Residual ? sink_of(residual) : decltype(sink_of(residual)){}, gg = sink_of(gamma), gb = sink_of(beta)](const tensor<T, S, D>& dy) {
          const bool wanted = gx.wanted() || gr.wanted();
          auto dx = wanted ? tensor<T, S, D>::empty(dy.sizes()) : tensor<T, S, D>();
          auto dgamma = tensor<T, P, D>::empty(), dbeta = tensor<T, P, D>::empty();
          layer_norm_backward(D{}, sum.data(), dy.data(), g.data(), statistics.data(), dx.data(), dgamma.data(), dbeta.data(), rows, n);
          gr.add(dx);
          gx.add(std::move(dx));
          gg.add(std::move(dgamma));
          gb.add(std::move(dbeta));
        },
        x, residual, gamma, beta);
  }
}

}  // namespace detail

/// (x − mean) / sqrt(variance + eps) · gamma + beta over the last axis, biased variance. x: shape<..., C>; gamma, beta: shape<C>.
template <operand X, operand G, operand B>
constexpr auto layer_norm(const X& x, const G& gamma, const B& beta, double eps = 1e-5) {
  const auto value_of_x = eval(x);  // once: it also stands in for the residual that is not there
  return detail::layer_norm_of<false>(value_of_x, value_of_x, gamma, beta, eps);
}
/// The same of x + residual, in one pass.
template <operand X, operand R, operand G, operand B>
constexpr auto layer_norm(const X& x, const R& residual, const G& gamma, const B& beta, double eps = 1e-5) {
  return detail::layer_norm_of<true>(x, residual, gamma, beta, eps);
}

}  // namespace dcs
