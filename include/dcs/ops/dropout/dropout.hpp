// Dropout (Srivastava et al. 2014) by element, and of whole channels. Element i is kept if uniform(i) ≥ p, so the mask is a function of the stream
// and is drawn again for the backward pass instead of being stored.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/ops/dropout/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct dropout_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::dropout: the operand must have at least two axes; number of axes");
};
template <class Found, class Expected, class Axis>
struct channel_dropout_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::channel_dropout: the operand must have at least two axes; number of axes");
};

namespace detail {

template <bool ByChannel, class X>
constexpr auto dropped(const X& x_, double p, random_stream random) {
  using S = shape_t<X>;
  if constexpr (any_probe_v<X>) {
    return probe_result<S>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    expect_inner("dcs::dropout", x.sizes());
    expect(p >= 0 && p < 1, "dcs::dropout: probability ", p, "; expected 0 <= p < 1");
    if (p == 0) return x;
    const extent_t outer = S::rank > 0 ? x.sizes()[0] : 1, channels = x.sizes()[static_cast<std::size_t>(S::rank - 1)];
    const extent_t inner = outer * channels == 0 ? 0 : x.size() / (outer * channels);
    auto y = tensor<T, S, D>::empty(x.sizes());
    dropout_apply(D{}, value(x).data(), y.data(), outer, inner, channels, ByChannel, p, random);
    return record(
        std::move(y),
        [=, gx = sink_of(x)](const tensor<T, S, D>& dy) {
          auto dx = tensor<T, S, D>::empty(dy.sizes());
          dropout_apply(D{}, dy.data(), dx.data(), outer, inner, channels, ByChannel, p, random);
          gx.add(std::move(dx));
        },
        x);
  }
}

}  // namespace detail

/// Each element is 0 with probability p, else x / (1 − p). 0 <= p < 1.
/// PyTorch: torch.nn.functional.dropout
template <operand X>
constexpr auto dropout(const X& x, double p, random_stream random) {
  verify(check_of<dropout_rank_mismatch<found<shape_t<X>::rank>, expected<at_least(shape_t<X>::rank, 2)>, axis<0>>>);
  return detail::dropped<false>(x, p, random);
}
/// Whole channels (first axis × last axis) are 0 with probability p (Tompson et al. 2015).
/// PyTorch: torch.nn.functional.dropout2d
template <operand X>
constexpr auto channel_dropout(const X& x, double p, random_stream random) {
  verify(check_of<channel_dropout_rank_mismatch<found<shape_t<X>::rank>, expected<at_least(shape_t<X>::rank, 2)>, axis<0>>>);
  return detail::dropped<true>(x, p, random);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
