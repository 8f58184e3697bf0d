// linear: the last axis through a matrix. The bias is the product's epilogue, and the leading axes are one long axis of rows.
#pragma once

#include <dcs/expr/pointwise.hpp>
#include <dcs/cpu/gemm.hpp>

namespace dcs {

DCS_DEFINE_EXTENT_CHECK(linear_mismatch, "dcs::linear: the last axis of the input must have the extent of the weight's rows (axis 0)");
DCS_DEFINE_EXTENT_CHECK(linear_bias_mismatch, "dcs::linear: the bias must have the extent of the weight's columns (axis 1)");

/// Whether linear accepts an input of shape S with weights of shape W.
template <class S, class W>
concept linear_fits = S::rank >= 1 && W::rank == 2 && extent_of<S, -1> == extent_of<W, 0>;

/// y = x · w + b over the last axis. x: shape<..., In>; w: shape<In, Out>; b: shape<Out>. `Thop`: whether the tool thop counts it; it overlooks the
/// projections of attention.
template <bool Thop = true, operand X, operand W, operand B>
constexpr auto linear(const X& x_, const W& w_, const B& b_) {
  using S = shape_t<X>;
  using WS = shape_t<W>;
  using T = value_t<X>;
  using D = device_t<X>;
  static_assert(S::rank >= 1 && WS::rank == 2, "dcs::linear: the weight must have two axes, in and out");
  (void)linear_mismatch<found<extent_of<S, -1>>, expected<extent_of<WS, 0>>, axis<S::rank - 1>>{};
  (void)linear_bias_mismatch<found<extent_of<shape_t<B>, 0>>, expected<extent_of<WS, 1>>, axis<1>>{};
  using Out = with_extent<S, -1, extent_of<WS, 1>>;
  constexpr extent_t in = extent_of<WS, 0>, out = extent_of<WS, 1>;
  if constexpr (any_probe_v<X, W, B>) {
    const auto x = eval(x_);
    note_work<Out>(nullptr, Out::extents, work{Out::size() * in, Thop ? Out::size() * in : 0}, x);
    return probe_result<Out>(x);
  } else {
    const auto x = eval(x_);
    const auto w = eval(w_);
    const auto b = eval(b_);
    auto sizes = x.sizes();
    sizes.back() = out;
    auto y = tensor<T, Out, D>::empty(sizes);
    const extent_t rows = y.size() / out;
    cpu::gemm<T>(rows, out, in, {value(x).data(), in}, {value(w).data(), out}, y.data(), out, false, {nullptr, value(b).data(), nullptr, 0, false});
    note_work<Out>(value(w).data(), sizes, work{rows * in * out, Thop ? rows * in * out : 0}, x);
    return record(
        std::move(y),
        [rows, xv = value(x), wv = value(w), gx = sink_of(x), gw = sink_of(w), gb = sink_of(b)](const tensor<T, Out, D>& dy) {
          if (gx.wanted()) {
            auto dx = tensor<T, S, D>::empty(xv.sizes());
            cpu::gemm<T>(rows, in, out, {dy.data(), out}, {wv.data(), out, true}, dx.data(), in);
            gx.add(std::move(dx));
          }
          if (gw.wanted()) {
            auto dw = tensor<T, WS, D>::empty();
            cpu::gemm<T>(in, out, rows, {xv.data(), in, true}, {dy.data(), out}, dw.data(), out);
            gw.add(std::move(dw));
          }
          if (gb.wanted()) {
            auto db = tensor<T, shape<out>, D>::empty();
            const std::int64_t size[2] = {rows, out}, keep[2] = {0, 1};
            expr::sum_to(D{}, db.data(), out, dy.data(), size, 2, keep);
            gb.add(std::move(db));
          }
        },
        x, w, b);
  }
}

/// y = x · w.
template <operand X, operand W>
constexpr auto linear(const X& x, const W& w) {
  if constexpr (any_probe_v<X, W>) return linear(x, w, probe<value_t<X>, shape<extent_of<shape_t<W>, 1>>, device_t<X>>{});
  else return linear(x, w, tensor<value_t<X>, shape<extent_of<shape_t<W>, 1>>, device_t<X>>::zeros());
}

}  // namespace dcs
