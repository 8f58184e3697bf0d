// Batch norm (Ioffe & Szegedy 2015). In training it is a lazy node, so that a residual and ReLU that follow it are computed in its pass over memory;
// in inference it is the expression x · scale + shift, which becomes the epilogue of a convolution before it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/batch_norm/cpu.hpp>
#include <dcs/ops/batch_norm/row_mask.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct batch_norm_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::batch_norm: gamma, beta, mean and variance must have one value per channel (the last axis)");
};

namespace kernels {
struct batch_norm {};
/// Batch norm, residual and ReLU in one pass.
struct batch_norm_relu {};
}  // namespace kernels

namespace detail {

// The type of scale and shift between kernels, which is never of 16 bits.
template <class T>
using norm_number = std::conditional_t<sizeof(T) == 2, float, T>;

// A shape-erased norm over the batch; operands that are missing have no memory.
template <class T>
struct norm_call {
  extent_t rows = 0, channels = 0;
  untyped<T> x, gamma, beta, residual;
  storage mean, variance;
  double momentum = 0, eps = 0;
  bool relu = false;
  bool wide = false;  // whether mean and variance are norm_number<T> where that is not T

  norm_call() = default;
  norm_call(const norm_call&) = default;
  [[gnu::noinline]] ~norm_call() {}  // out of line: every norm of a network ends in it
};

template <class T, class D>
[[gnu::noinline]] untyped<T> run_batch_norm(const norm_call<T>& call, const row_choice<D>& choice) {
  const row_choice<D> mask = exchanged(choice);
  const extent_t rows = call.rows, channels = call.channels;
  const auto allocate = [](extent_t n, extent_t m) { return allocate_elements<T, D>("dcs::batch_norm", {n, m}); };
  storage y = allocate(rows, channels);
  storage moments = allocate_elements<double, D>("dcs::batch_norm", {2, channels});  // mean, then 1 / sqrt(variance + eps)
  if (rows > 0) {
    using A = norm_number<T>;
    const storage scale_and_shift = allocate_elements<A, D>("dcs::batch_norm", {2, channels});
    double* m = static_cast<double*>(moments.data());
    A* scale = static_cast<A*>(scale_and_shift.data());
    const auto statistics = [&]<class R>(R* running_mean, R* running_variance) {
      norm_statistics<T>(D{}, call.x.data(), call.gamma.data(), call.beta.data(), call.momentum, call.eps, rows, channels, running_mean,
                         running_variance, m, m + channels, scale, scale + channels, mask);
    };
    if (call.wide || std::is_same_v<A, T>)
      statistics(static_cast<A*>(call.mean.data()), static_cast<A*>(call.variance.data()));
    else if constexpr (!std::is_same_v<A, T>)
      statistics(static_cast<T*>(call.mean.data()), static_cast<T*>(call.variance.data()));
    norm_forward<T>(D{}, call.x.data(), scale, scale + channels, call.residual.data(), call.relu, static_cast<T*>(y.data()), rows, channels, mask);
  }
  const storage kept = call.relu ? y : storage();
  untyped<T> beta = call.beta, residual = call.residual;
  beta.memory = residual.memory = {};  // the backward pass does not need their values
  return record_untyped<T>(std::move(y), {call.x.slot, call.gamma.slot, call.beta.slot, call.residual.slot},
                           [rows, channels, allocate, moments, kept, mask, x = call.x, gamma = call.gamma, beta, residual](const storage& dy) {
                             storage dx = x.wanted() ? allocate(rows, channels) : storage();
                             storage dr = residual.wanted() ? allocate(rows, channels) : storage();
                             storage dgamma = allocate(1, channels), dbeta = allocate(1, channels);
                             const double* mean = static_cast<const double*>(moments.data());
                             if (rows > 0)
                               norm_backward<T>(D{}, x.data(), static_cast<const T*>(kept.data()), static_cast<const T*>(dy.data()), gamma.data(),
                                                mean, mean + channels, rows, channels, static_cast<T*>(dx.data()), static_cast<T*>(dr.data()),
                                                static_cast<T*>(dgamma.data()), static_cast<T*>(dbeta.data()), mask);
                             else
                               D::zero(dgamma.data(), dgamma.bytes()), D::zero(dbeta.data(), dbeta.bytes());
                             x.template add<D>(std::move(dx));
                             residual.template add<D>(std::move(dr));
                             gamma.template add<D>(std::move(dgamma));
                             beta.template add<D>(std::move(dbeta));
                           });
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_BATCH_NORM_CALL_ENTRIES(declare, T) declare untyped<T> run_batch_norm<T, cpu_device>(const norm_call<T>&, const row_choice<cpu_device>&);
DCS_MAP_ENTRIES(DCS_BATCH_NORM_CALL_ENTRIES)

}  // namespace detail

/// The node of batch_norm_training over evaluated operands.
template <class X, class G, class B, class M>
class batch_norm_node : public lazy<lift_t<shape_t<X>, X, G, B>> {
 public:
  using base = lazy<lift_t<shape_t<X>, X, G, B>>;
  using typename base::device_type;
  using typename base::result_type;
  using typename base::shape_type;
  using typename base::value_type;
  using kernel = kernels::batch_norm;
  using channels_type = M;

  batch_norm_node(X&& x, G&& gamma, B&& beta, channels_type mean, channels_type variance, double momentum, double eps)
      : x_(std::move(x)),
        gamma_(std::move(gamma)),
        beta_(std::move(beta)),
        mean_(std::move(mean)),
        variance_(std::move(variance)),
        momentum_(momentum),
        eps_(eps) {}

  result_type evaluate() const {
    return this->once([&] { return run(false, static_cast<const result_type*>(nullptr)); });
  }
  const X& input() const { return x_; }
  const auto& output_sizes() const { return x_.sizes(); }

  /// relu(norm(x) + residual); both ReLU and residual are optional.
  template <class R>
  result_type run(bool relu, const R* residual) const {
    detail::norm_call<value_type> c;
    const auto& n = x_.sizes();
    detail::expect_inner("dcs::batch_norm", n);
    c.channels = extent_of<shape_type, -1>;
    c.rows = count(n) / c.channels;
    erase_into(c.x, x_), erase_into(c.gamma, gamma_), erase_into(c.beta, beta_);
    if (residual) {
      detail::expect_same_names("dcs::batch_norm", x_, *residual);
      erase_into(c.residual, *residual);
    }
    c.mean = mean_.memory(), c.variance = variance_.memory();
    c.momentum = this->first_run() ? momentum_ : 0;  // a norm that is evaluated again, as part of another kernel, moves no statistics
    c.eps = eps_, c.relu = relu, c.wide = std::is_same_v<value_t<M>, detail::norm_number<value_type>>;
    note_work<shape_type>(c.gamma.data(), n, work{0, 4 * count(n)}, x_);
    if constexpr (!std::is_same_v<device_type, cpu_device>) rows_.check(c.rows, n[0], dtype_of<detail::norm_number<value_type>>);
    return restore<result_type>(detail::run_batch_norm<value_type, device_type>(c, rows_), n);
  }

 private:
  X x_;
  G gamma_;
  B beta_;
  channels_type mean_, variance_;
  double momentum_, eps_;
  [[no_unique_address]] detail::row_choice<device_type> rows_ = detail::current_rows<device_type>();
};

namespace detail {
template <class S, class... P>
constexpr void check_batch_norm() {
  (verify(check_of<batch_norm_mismatch<found<extent_of<P, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>>), ...);
  static_assert(((P::rank == 1) && ...), "dcs::batch_norm: gamma, beta, mean and variance have one axis");
  static_assert(((extent_of<P, 0> >= 1) && ...), "dcs::batch_norm: the number of channels (the last axis) is static and at least 1");
}
}  // namespace detail

/// (x − mean) / sqrt(variance + eps) · gamma + beta with the batch's own mean and biased variance over all axes but the last. The running mean and
/// (unbiased) variance are updated with `momentum` once, when the node is first evaluated, by itself or within a fused kernel; an empty batch does
/// not change them. Within a row_mask_scope (row_mask.hpp) padded regions are left out; within a norm_exchange_scope (norm_exchange.hpp) the
/// statistics are those of several parts of a batch. Lazy.
///
/// PyTorch: torch.nn.functional.batch_norm(training=True)
template <operand X, operand G, operand B, operand M, operand V>
constexpr auto batch_norm_training(const X& x_, const G& gamma, const B& beta, const M& running_mean, const V& running_variance,
                                   double momentum = 0.1, double eps = 1e-5) {
  using S = shape_t<X>;
  detail::check_batch_norm<S, shape_t<G>, shape_t<B>, shape_t<M>, shape_t<V>>();
  if constexpr (any_probe_v<X>) {
    const auto x = eval(x_);
    note_work<S>(nullptr, S::extents, work{0, 4 * S::size()}, x);
    return probe_result<S>(x);
  } else {
    using T = value_t<X>;
    static_assert(std::is_same_v<value_t<M>, T> || std::is_same_v<value_t<M>, detail::norm_number<T>>,
                  "dcs::batch_norm: running statistics have the element type of the input, or float where that is of 16 bits");
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(value(running_mean))>, std::remove_cvref_t<decltype(value(running_variance))>>,
                  "dcs::batch_norm: running mean and variance are of one type");
    return batch_norm_node<typename result_t<X>::self, typename result_t<G>::self, typename result_t<B>::self,
                           std::remove_cvref_t<decltype(value(running_mean))>>(eval(x_), eval(gamma), eval(beta), value(running_mean),
                                                                               value(running_variance), momentum, eps);
  }
}

/// The same with given statistics: the expression x · scale + shift. gamma, beta, mean and variance are tensors of shape<C>; the last two may be
/// float where the others are of 16 bits.
/// PyTorch: torch.nn.functional.batch_norm
template <operand X, class T, class C, class D, class R>
constexpr auto batch_norm_inference(const X& x, const tensor<T, C, D>& gamma, const tensor<T, C, D>& beta, const tensor<R, C, D>& mean,
                                    const tensor<R, C, D>& variance, double eps = 1e-5) {
  detail::check_batch_norm<shape_t<X>, C>();
  if constexpr (requires { x.sizes(); }) detail::expect_inner("dcs::batch_norm", x.sizes());  // a lazy operand checks its own
  auto scale = tensor<T, C, D>::empty(), shift = tensor<T, C, D>::empty();
  norm_inference<T>(D{}, gamma.data(), beta.data(), mean.data(), variance.data(), eps, C::size(), scale.data(), shift.data());
  return x * scale + shift;
}

/// The pattern table's entries: relu(norm) and relu(norm + residual).
template <class X, class G, class B, class M>
struct fused<pointwise<functions::relu, batch_norm_node<X, G, B, M>>> {
  using kernel = kernels::batch_norm_relu;
  using expr = pointwise<functions::relu, batch_norm_node<X, G, B, M>>;
  static bool applies(const expr& e) { return !e.template argument<0>().evaluated(); }
  static const char* why_not(const expr&) { return "its norm has been evaluated before"; }
  static auto run(const expr& e) { return e.template argument<0>().run(true, static_cast<const typename expr::result_type*>(nullptr)); }
};
template <class X, class G, class B, class M, class R>
requires(std::is_same_v<shape_t<X>, shape_t<R>>) struct fused<pointwise<functions::relu, pointwise<functions::add, batch_norm_node<X, G, B, M>, R>>> {
  using kernel = kernels::batch_norm_relu;
  using expr = pointwise<functions::relu, pointwise<functions::add, batch_norm_node<X, G, B, M>, R>>;
  static bool applies(const expr& e) { return !e.template argument<0>().template argument<0>().evaluated(); }
  static const char* why_not(const expr&) { return "its norm has been evaluated before"; }
  static auto run(const expr& e) {
    const auto residual = eval(e.template argument<0>().template argument<1>());
    return e.template argument<0>().template argument<0>().run(true, &residual);
  }
};

namespace reasons {
struct outermost_is_no_relu {};
struct no_batch_norm_of_a_var_is_leftmost {};
struct residual_has_another_shape_than_the_norm {};
}  // namespace reasons
template <class Expr>
struct why_not<kernels::batch_norm_relu, Expr> {
  using type = reasons::outermost_is_no_relu;
};
template <class E>
struct why_not<kernels::batch_norm_relu, pointwise<functions::relu, E>> {
  using type = reasons::no_batch_norm_of_a_var_is_leftmost;
};
template <class X, class G, class B, class M, class R>
struct why_not<kernels::batch_norm_relu, pointwise<functions::relu, pointwise<functions::add, batch_norm_node<X, G, B, M>, R>>> {
  using type = reasons::residual_has_another_shape_than_the_norm;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
