// linear: the last axis is multiplied by a matrix. The bias is the product's epilogue, and the leading axes are treated as one axis of rows.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct linear_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::linear: the last axis of the input must have the extent of the weight's rows (axis 0)");
};
template <class Found, class Expected, class Axis>
struct linear_bias_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::linear: the bias must have the extent of the weight's columns (axis 1)");
};

/// Whether linear accepts an input of shape S with weights of shape W.
template <class S, class W>
concept linear_fits = S::rank >= 1 && W::rank == 2 && extent_of<S, -1> == extent_of<W, 0>;

namespace detail {

// rows × in times in × out, plus b where it has memory.
template <class T, class D>
[[gnu::noinline]] untyped<T> run_linear(extent_t rows, extent_t in, extent_t out, const untyped<T>& x, const untyped<T>& w, const untyped<T>& b) {
  const auto allocate = [](extent_t n, extent_t m) { return allocate_elements<T, D>("dcs::linear", {n, m}); };
  storage y = allocate(rows, out);
  using matrix = cpu::matrix<T>;
  gemm<T>(D{}, 1, rows, out, in, matrix{x.data(), in}, matrix{w.data(), out}, static_cast<T*>(y.data()),
          cpu::epilogue<T>{nullptr, b.data(), nullptr, 0, false});
  return record_untyped<T>(std::move(y), {x.slot, w.slot, b.slot}, [rows, in, out, allocate, x, w, b = untyped<T>{{}, b.slot}](const storage& dy) {
    const T* d = static_cast<const T*>(dy.data());
    if (x.wanted()) {
      storage dx = allocate(rows, in);
      gemm<T>(D{}, 1, rows, in, out, matrix{d, out}, matrix{w.data(), out, true}, static_cast<T*>(dx.data()));
      x.template add<D>(std::move(dx));
    }
    if (w.wanted()) {
      storage dw = allocate(in, out);
      gemm<T>(D{}, 1, in, out, rows, matrix{x.data(), in, true}, matrix{d, out}, static_cast<T*>(dw.data()));
      w.template add<D>(std::move(dw));
    }
    if (b.wanted()) {
      storage db = allocate(1, out);
      const std::int64_t size[2] = {rows, out}, keep[2] = {0, 1};
      sum_to(D{}, static_cast<T*>(db.data()), out, d, size, 2, keep);
      b.template add<D>(std::move(db));
    }
  });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_LINEAR_ENTRIES(declare, T) \
  declare untyped<T> run_linear<T, cpu_device>(extent_t, extent_t, extent_t, const untyped<T>&, const untyped<T>&, const untyped<T>&);
DCS_MAP_ENTRIES(DCS_LINEAR_ENTRIES)

template <bool Thop, class X, class W, class... B>
constexpr auto linear(const X& x_, const W& w_, const B&... b_) {
  using S = shape_t<X>;
  using WS = shape_t<W>;
  static_assert(S::rank >= 1 && WS::rank == 2, "dcs::linear: the weight must have two axes, in and out");
  static_assert(((shape_t<B>::rank == 1) && ...), "dcs::linear: the bias must have one axis");
  verify(check_of<linear_mismatch<found<extent_of<S, -1>>, expected<extent_of<WS, 0>>, axis<S::rank - 1>>>);
  (verify(check_of<linear_bias_mismatch<found<extent_of<shape_t<B>, 0>>, expected<extent_of<WS, 1>>, axis<1>>>), ...);
  using Out = with_extent<S, -1, extent_of<WS, 1>>;
  static_assert(extent_of<WS, 0> >= 1 && extent_of<WS, 1> >= 1, "dcs::linear: the weight's extents are static and at least 1");
  constexpr auto in = static_cast<extent_t>(extent_of<WS, 0>), out = static_cast<extent_t>(extent_of<WS, 1>);
  if constexpr (any_probe_v<X, W, B...>) {
    const auto x = eval(x_);
    note_work<Out>(nullptr, Out::extents, work{Out::size() * in, Thop ? Out::size() * in : 0}, x);
    return probe_result<Out>(x);
  } else {
    using R = lift_t<Out, X, W, B...>;
    using T = typename R::value_type;
    const auto x = eval(x_);
    auto n = x.sizes();
    expect_inner("dcs::linear", n);
    const extent_t rows = count(n) / in, multiply_adds = checked_product("dcs::linear", {rows, in, out});
    n.back() = out;
    untyped<T> ux, uw, ub;
    erase_into(ux, x);
    erase_into(uw, eval(w_));
    (erase_into(ub, eval(b_)), ...);
    note_work<Out>(uw.data(), n, work{multiply_adds, Thop ? multiply_adds : 0}, x);
    return restore<R>(run_linear<T, typename R::device_type>(rows, in, out, ux, uw, ub), n);
  }
}

}  // namespace detail

/// y = x · w + b over the last axis. x: shape<..., In>; w: shape<In, Out>; b: shape<Out>. `Thop`: whether the tool thop counts it, which omits the
/// projections of attention.
/// PyTorch: torch.nn.functional.linear
template <bool Thop = true, operand X, operand W, operand B>
constexpr auto linear(const X& x, const W& w, const B& b) {
  return detail::linear<Thop>(x, w, b);
}

/// y = x · w.
template <operand X, operand W>
constexpr auto linear(const X& x, const W& w) {
  return detail::linear<true>(x, w);
}
DCS_REFUSE_OTHERS(linear)

}  // namespace dcs

#include <dcs/core/header_end.inl>
