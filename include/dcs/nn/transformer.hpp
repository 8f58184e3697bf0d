// The Transformer encoder layer (Vaswani et al. 2017), post-norm with ReLU, under PyTorch's names. Attention is written as its equation, which the
// pattern table turns into one kernel; with dropout, which the equation does not express, the module calls that kernel itself.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/layers.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct multi_head_attention_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::multi_head_attention: the channels must be divisible by the heads; remainder");
};

namespace detail {
/// A linear layer whose parameters are called weight and bias inside multi-head attention's packed projection.
template <int In, int Out>
struct packed_projection {
  parameter<shape<In, Out>, init::xavier_uniform<In, Out>, layout::linear> weight;
  parameter<shape<Out>> bias;
  DCS_MEMBERS_AS((weight, "in_proj_weight"), (bias, "in_proj_bias"))
};
}  // namespace detail

namespace nn {

/// Self-attention with H heads over tokens of D channels. x: shape<N, L, D>.
template <int D, int H>
struct multi_head_attention {
  dcs::detail::packed_projection<D, 3 * D> project;
  parameter<shape<D, D>, init::uniform_fan_in<D>, layout::linear> out_weight;
  parameter<shape<D>> out_bias;
  double dropout = 0.0;
  DCS_MEMBERS_AS((project, ""), (out_weight, "out_proj.weight"), (out_bias, "out_proj.bias"))

  template <operand X>
  constexpr auto operator()(const X& x) const {
    using S = shape_t<X>;
    (void)multi_head_attention_mismatch<found<D % H>, expected<0>, axis<2>>{};
    static_assert(S::rank == 3, "dcs::multi_head_attention: tokens have the axes batch, token, channel");
    if constexpr (D % H == 0 && S::rank == 3)
      return split(x);
    else
      return eval(x);
  }

 private:
  template <class X>
  constexpr auto split(const X& x) const {
    using S = shape_t<X>;
    using heads = shape<extent_of<S, 0>, extent_of<S, 1>, 3 * H, D / H>;
    constexpr double scale = inverse_root(D / H);
    const auto qkv = permute<0, 2, 1, 3>(reshape<heads>(dcs::linear<false>(x, project.weight.as(x), project.bias.as(x))));
    const auto q = slice<1, 0, H>(qkv);
    const auto k = slice<1, H, H>(qkv);
    const auto v = slice<1, 2 * H, H>(qkv);
    return merge(attend(q, k, v, scale), x);
  }
  // 1/√n, by Newton's iteration: std::sqrt is no constant expression.
  static constexpr double inverse_root(int n) {
    double r = n;
    for (int i = 0; i < 60; ++i) r = (r + n / r) / 2;
    return 1 / r;
  }
  template <class Q, class K, class V>
  constexpr auto attend(const Q& q, const K& k, const V& v, double scale) const {
    if constexpr (any_var_v<Q>) {
      const auto draw = dropout > 0 ? dcs::detail::next_draw("dcs::multi_head_attention") : std::nullopt;
      if (draw) return attention(q, k, v, scale, dropout, *draw);
    }
    return eval(matmul(softmax<3>(matmul(q, transpose(k)) * scale), v));
  }
  template <class O, class X>
  constexpr auto merge(const O& o, const X& x) const {
    return dcs::linear<false>(reshape<shape_t<X>>(permute<0, 2, 1, 3>(o)), out_weight.as(x), out_bias.as(x));
  }
};

/// norm2(y + ffn(y)) with y = norm1(x + attention(x)); dropout behind both and inside the FFN of `Hidden` units. x: shape<N, L, D>.
template <int D, int H, int Hidden>
struct transformer_encoder_layer {
  multi_head_attention<D, H> self_attn;
  nn::linear<D, Hidden> linear1;
  nn::linear<Hidden, D> linear2;
  layer_norm<D> norm1, norm2;
  nn::dropout dropout{0.2};
  DCS_MEMBERS(self_attn, linear1, linear2, norm1, norm2)

  constexpr transformer_encoder_layer() { self_attn.dropout = dropout.p; }

  template <operand X>
  constexpr auto operator()(const X& x_) const {
    const auto x = eval(x_);
    const auto y = norm1(x, dropout(self_attn(x)));
    return norm2(y, dropout(linear2(dropout(eval(relu(linear1(y)))))));
  }
};

}  // namespace nn
}  // namespace dcs

#include <dcs/core/header_end.inl>
