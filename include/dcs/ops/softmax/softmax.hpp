// Softmax over one axis. Lazy, because two fused kernels contain it: attention (softmax(q · kᵀ · s) · v) and the softmax-weighted sum of maps.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/softmax/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct softmax_axis_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::softmax: no such axis; number of axes");
};

namespace kernels {
struct softmax {};
}  // namespace kernels

/// The node of softmax. X is the unevaluated operand.
template <int Axis, class X>
class softmax_node : public lazy<lift_t<shape_t<X>, X>> {
 public:
  using base = lazy<lift_t<shape_t<X>, X>>;
  using typename base::result_type;
  using kernel = kernels::softmax;
  static constexpr int axis = Axis;
  explicit softmax_node(X x) : x_(std::move(x)) {}
  const X& input() const { return x_; }

  result_type evaluate() const {
    return this->once([&]() -> result_type {
      using T = typename base::value_type;
      using D = typename base::device_type;
      using S = typename base::shape_type;
      const auto x = eval(x_);
      extent_t outer = 1, inner = 1;
      const extent_t n = x.sizes()[Axis];
      for (int i = 0; i < S::rank; ++i)
        if (i != Axis) (i < Axis ? outer : inner) *= x.sizes()[static_cast<std::size_t>(i)];
      expect(n >= 1, "dcs::softmax: axis ", Axis, " of sizes ", to_string(x.sizes()), " is empty");
      detail::expect_inner("dcs::softmax", x.sizes());
      auto y = tensor<T, S, D>::empty(x.sizes());
      if (y.size() > 0) softmax_forward(D{}, value(x).data(), y.data(), outer, n, inner);
      auto kept = y;
      return result_type(record(
          std::move(y),
          [=, gx = sink_of(x)](const tensor<T, S, D>& dy) {
            auto dx = tensor<T, S, D>::empty(dy.sizes());
            if (dx.size() > 0) softmax_backward(D{}, kept.data(), dy.data(), dx.data(), outer, n, inner);
            gx.add(std::move(dx));
          },
          x));
    });
  }

 private:
  X x_;
};

/// exp(x) / Σ exp(x) over an axis. Lazy.
/// PyTorch: torch.softmax
template <int Axis, operand X>
constexpr auto softmax(const X& x) {
  using S = shape_t<X>;
  verify(check_of<softmax_axis_mismatch<found<S::rank>, expected<axes_with(Axis, S::rank)>, axis<Axis>>>);
  if constexpr (any_probe_v<X>)
    return probe_result<S>(eval(x));
  else
    return softmax_node<(Axis < 0 ? Axis + S::rank : Axis), X>(x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
