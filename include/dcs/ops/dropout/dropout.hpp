// Dropout (Srivastava et al. 2014) by element, and of whole channels. Element i is kept if uniform(i) ≥ p, so the mask is a function of the stream
// and is drawn again for the backward pass instead of being stored.
#pragma once

#include <dcs/cpu/random.hpp>
#include <dcs/expr/pointwise.hpp>

#define DCS_KERNELS <dcs/ops/dropout/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

namespace detail {

// y = x · mask / (1 − p), where element (n, i, c) of [outer, inner, channels] has the mask of index n · channels + c (channel) or its own.
template <class T>
void apply_dropout(cpu_device, const T* x, T* y, extent_t outer, extent_t inner, extent_t channels, bool by_channel, double p, random_stream random) {
  const T scale = static_cast<T>(1 / (1 - p));
  if (by_channel) {
    scratch<T> mask(outer * channels);
    cpu::draw_mask(random, 0, outer * channels, p, scale, mask.data());
    cpu::parallel_chunks(outer * inner, 256,
                         [&](extent_t begin, extent_t end) { DCS_DISPATCH(dropout_rows, x, y, begin, end, inner, channels, mask.data()); });
  } else {
    cpu::parallel_chunks(outer * inner * channels, 1 << 14, [&](extent_t begin, extent_t end) {
      constexpr extent_t block = 1024;
      alignas(64) T mask[block];
      for (extent_t i = begin; i < end; i += block) {
        const extent_t n = std::min(block, end - i);
        cpu::draw_mask(random, static_cast<std::uint64_t>(i), n, p, scale, mask);
        DCS_DISPATCH(dropout_rows, x + i, y + i, extent_t{0}, extent_t{1}, extent_t{1}, n, mask);
      }
    });
  }
}

template <bool ByChannel, class X>
constexpr auto dropped(const X& x_, double p, random_stream random) {
  using S = shape_t<X>;
  if constexpr (any_probe_v<X>) {
    return probe_result<S>(eval(x_));
  } else {
    using T = value_t<X>;
    using D = device_t<X>;
    const auto x = eval(x_);
    expect(p >= 0 && p < 1, "dcs::dropout: probability ", p, "; expected 0 <= p < 1");
    if (p == 0) return x;
    const extent_t outer = S::rank > 0 ? x.sizes()[0] : 1, channels = x.sizes()[static_cast<std::size_t>(S::rank - 1)];
    const extent_t inner = outer * channels == 0 ? 0 : x.size() / (outer * channels);
    auto y = tensor<T, S, D>::empty(x.sizes());
    apply_dropout(D{}, value(x).data(), y.data(), outer, inner, channels, ByChannel, p, random);
    return record(
        std::move(y),
        [=, gx = sink_of(x)](const tensor<T, S, D>& dy) {
          auto dx = tensor<T, S, D>::empty(dy.sizes());
          apply_dropout(D{}, dy.data(), dx.data(), outer, inner, channels, ByChannel, p, random);
          gx.add(std::move(dx));
        },
        x);
  }
}

}  // namespace detail

/// Each element is 0 with probability p, else x / (1 − p). 0 <= p < 1.
template <operand X>
constexpr auto dropout(const X& x, double p, random_stream random) {
  static_assert(shape_t<X>::rank >= 2, "dcs::dropout: the operand must have at least two axes");
  return detail::dropped<false>(x, p, random);
}
/// Whole channels (first axis × last axis) are 0 with probability p (Tompson et al. 2015).
template <operand X>
constexpr auto channel_dropout(const X& x, double p, random_stream random) {
  static_assert(shape_t<X>::rank >= 2, "dcs::channel_dropout: the operand must have at least two axes");
  return detail::dropped<true>(x, p, random);
}

}  // namespace dcs
