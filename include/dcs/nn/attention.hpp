// Multi-head attention (Vaswani et al. 2017) under PyTorch's names. Attention is written as its equation, which the pattern table turns into one
// kernel; with dropout, which the equation does not express, the module calls that kernel itself. A mask is an addend of the scores, and the equation
// is then evaluated term by term.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/layers.hpp>
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

#include <limits>
#include <vector>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct multi_head_attention_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::multi_head_attention: the channels must be divisible by the heads; remainder");
};

template <class Found, class Expected, class Axis>
struct attention_mask_mismatch {
  static_assert(
      same_extent<Found, Expected>,
      "dcs::multi_head_attention: a mask has the axes of the scores, batch, head, query and key, or the last of them; each as the scores' or 1");
};

namespace detail {
// The first axis of the scores (4: none) to which a mask of shape M does not broadcast; 0 where M has more axes.
template <class Scores, class M>
constexpr int unmasked_axis() {
  for (int i = 0; i < Scores::rank; ++i) {
    const int at = i - (Scores::rank - M::rank);
    if (at < 0) continue;
    const extent e = M::extents[static_cast<std::size_t>(at)];
    if (M::rank > Scores::rank || (e != 1 && e != Scores::extents[static_cast<std::size_t>(i)])) return i;
  }
  return Scores::rank;
}
template <class Scores, class M>
constexpr void check_mask() {
  constexpr int at = unmasked_axis<Scores, M>();
  if constexpr (M::rank > Scores::rank)
    verify(check_of<attention_mask_mismatch<found<M::rank>, expected<Scores::rank>, axis<0>>>);
  else if constexpr (at < Scores::rank)
    verify(check_of<attention_mask_mismatch<found<extent_of<M, at - Scores::rank>>, expected<extent_of<Scores, at>>, axis<at>>>);
}

/// A linear layer whose parameters are called weight and bias inside multi-head attention's packed projection.
template <int In, int Out>
struct packed_projection {
  parameter<shape<In, Out>, init::xavier_uniform<In, Out>, layout::linear> weight;
  parameter<shape<Out>> bias;
  DCS_MEMBERS_AS((weight, "in_proj_weight"), (bias, "in_proj_bias"))

  /// The columns [Begin, Begin + Count) of the projection.
  template <extent_t Begin, extent_t Count, class X>
  constexpr auto part(const X& x) const {
    return dcs::linear<false>(x, slice<1, Begin, Count>(weight.as(x)), slice<0, Begin, Count>(bias.as(x)));
  }
};
}  // namespace detail

/// The mask by which a token attends only to itself and those before it: 0 on and below the diagonal, −∞ above. S: shape<L, L>, and its sizes where
/// they are dynamic.
template <class T, class S>
tensor<T, S> causal_mask(const sizes<2>& n = S::extents) {
  static_assert(S::rank == 2, "dcs::causal_mask: a mask has two axes, queries and keys");
  auto mask = tensor<T, S>::zeros(n);
  for (extent_t i = 0; i < n[0]; ++i)
    for (extent_t j = i + 1; j < n[1]; ++j) mask(i, j) = -std::numeric_limits<T>::infinity();
  return mask;
}

/// The mask by which no token attends to padding: 0 for the first `tokens[i]` keys of sequence i, −∞ for those behind. S: shape<N, 1, 1, K>, one
/// row for every query and head, and its sizes where they are dynamic. PyTorch's key_padding_mask is true where this is −∞. Throws dcs::error unless
/// there is one number a sequence, each of 1 to K.
template <class T, class S>
tensor<T, S> padding_mask(const std::vector<extent_t>& tokens, const sizes<4>& n = S::extents) {
  static_assert(S::rank == 4 && S::extents[1] == 1 && S::extents[2] == 1, "dcs::padding_mask: a mask has the shape<N, 1, 1, K>");
  expect(static_cast<extent_t>(tokens.size()) == n[0], "dcs::padding_mask: ", tokens.size(), " numbers of tokens; expected one for each of ", n[0],
         " sequences");
  auto mask = tensor<T, S>::zeros(n);
  for (extent_t i = 0; i < n[0]; ++i) {
    const extent_t seen = tokens[static_cast<std::size_t>(i)];
    expect(seen >= 1 && seen <= n[3], "dcs::padding_mask: sequence ", i, " has ", seen, " tokens; expected 1 to ", n[3]);
    for (extent_t k = seen; k < n[3]; ++k) mask(i, 0, 0, k) = -std::numeric_limits<T>::infinity();
  }
  return mask;
}

namespace nn {

struct no_mask_t {};
/// Stands where a mask may be given and none is: layer(x, memory, no_mask, memory_mask).
inline constexpr no_mask_t no_mask{};

/// A mask, which is added to the scores of an attention, or no_mask.
template <class M>
concept attention_mask = operand<M> || std::is_same_v<M, no_mask_t>;

/// Attention with H heads over tokens of D channels, as torch.nn.MultiheadAttention with batch_first.
/// PyTorch: torch.nn.MultiheadAttention(batch_first=True)
/// Runs: as attention
template <int D, int H>
struct multi_head_attention {
  dcs::detail::packed_projection<D, 3 * D> project;
  parameter<shape<D, D>, init::uniform_fan_in<D>, layout::linear> out_weight;
  parameter<shape<D>> out_bias;
  double dropout = 0.0;
  DCS_MEMBERS_AS((project, ""), (out_weight, "out_proj.weight"), (out_bias, "out_proj.bias"))

  /// Self-attention: every token of x attends to all. x: shape<N, L, D>.
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return masked(x, no_mask);
  }
  /// Self-attention with a mask that is added to the scores: shape<L, L>, or what broadcasts to shape<N, H, L, L>, whose last axes a shorter mask
  /// has: one of three axes is of (head, query, key), for all of the batch. −∞ where a query (the axis before the last) does not see a key. A query
  /// must see at least one key. causal_mask and padding_mask make masks.
  template <operand X, attention_mask M>
  constexpr auto masked(const X& x, const M& mask) const {
    check<X>(), check<X, X, M>();
    if constexpr (fits<X, X, M>()) {
      const module_scope here(*this);
      const auto qkv = heads<3 * H>(dcs::linear<false>(x, project.weight.as(x), project.bias.as(x)));
      return merge(attend(slice<1, 0, H>(qkv), slice<1, H, H>(qkv), slice<1, 2 * H, H>(qkv), mask), x);
    } else {
      return eval(x);
    }
  }
  /// Cross-attention: the tokens of x, shape<N, L, D>, attend to those of `memory`, shape<N, K, D>, which are keys and values. K is at least 1. With
  /// a mask as in self-attention: shape<L, K>, or what broadcasts to shape<N, H, L, K>.
  template <operand X, operand M, attention_mask Mask = no_mask_t>
  constexpr auto operator()(const X& x_, const M& memory_, const Mask& mask = no_mask) const {
    check<X>(), check<M>(), check<X, M, Mask>();
    const auto x = eval(x_);
    if constexpr (fits<X, M, Mask>()) {
      const module_scope here(*this);
      const auto memory = eval(memory_);
      const auto q = heads<H>(project.template part<0, D>(x));
      const auto kv = heads<2 * H>(project.template part<D, 2 * D>(memory));
      return merge(attend(q, slice<1, 0, H>(kv), slice<1, H, H>(kv), mask), x);
    } else {
      return x;
    }
  }

  /// An error where the heads do not divide the channels, or x has no three axes. Layers around this one ask first, so that the message is short.
  template <class X>
  static constexpr void check() {
    verify(check_of<multi_head_attention_mismatch<found<D % H>, expected<0>, axis<2>>>);
    static_assert(shape_t<X>::rank == 3, "dcs::multi_head_attention: tokens have the axes batch, token, channel");
  }
  /// An error where a mask does not fit the scores of the tokens of X and those of Memory.
  template <class X, class Memory, class Mask>
  static constexpr void check() {
    if constexpr (tokens<X>() && tokens<Memory>() && operand<Mask>) dcs::detail::check_mask<scores<X, Memory>, shape_t<Mask>>();
  }
  /// Whether there is no such error: whoever asked first then computes nothing, so that no other error follows.
  template <class X, class Memory, class Mask>
  static constexpr bool fits() {
    if constexpr (!fits<X>() || !fits<Memory>())
      return false;
    else if constexpr (operand<Mask>)
      return dcs::detail::unmasked_axis<scores<X, Memory>, shape_t<Mask>>() == 4;
    else
      return true;
  }

 private:
  template <class X, class Memory>
  using scores = shape<extent_of<shape_t<X>, 0>, H, extent_of<shape_t<X>, 1>, extent_of<shape_t<Memory>, 1>>;
  template <class X>
  static constexpr bool tokens() {
    return shape_t<X>::rank == 3;
  }
  // Where a check has failed, x stands for the result, so that no other error follows.
  template <class X>
  static constexpr bool fits() {
    return D % H == 0 && tokens<X>();
  }
  // 1/√n, by Newton's iteration: std::sqrt is no constant expression.
  static constexpr double inverse_root(int n) {
    double r = n;
    for (int i = 0; i < 60; ++i) r = (r + n / r) / 2;
    return 1 / r;
  }
  static constexpr double scale = inverse_root(D / H);

  // shape<N, L, Count · D / H> to shape<N, Count, L, D / H>.
  template <int Count, class X>
  static constexpr auto heads(const X& x) {
    using S = shape_t<X>;
    return permute<0, 2, 1, 3>(reshape<shape<extent_of<S, 0>, extent_of<S, 1>, Count, D / H>>(x));
  }
  template <class Q, class K, class V>
  constexpr auto attend(const Q& q, const K& k, const V& v, no_mask_t) const {
    if constexpr (any_var_v<Q>) {
      const auto draw = next_draw();
      if (draw) return attention(q, k, v, scale, dropout, *draw);
    }
    return eval(matmul(softmax<3>(matmul(q, transpose(k)) * scale), v));
  }
  template <class Q, class K, class V, operand M>
  constexpr auto attend(const Q& q, const K& k, const V& v, const M& mask) const {
    const auto probabilities = softmax<3>(matmul(q, transpose(k)) * scale + mask);
    if constexpr (any_var_v<Q>) {
      const auto draw = next_draw();
      if (draw) return eval(matmul(dcs::dropout(probabilities, dropout, *draw), v));
    }
    return eval(matmul(probabilities, v));
  }
  auto next_draw() const { return dropout > 0 ? dcs::detail::next_draw("dcs::multi_head_attention") : std::nullopt; }
  template <class O, class X>
  constexpr auto merge(const O& o, const X& x) const {
    return dcs::linear<false>(reshape<shape_t<X>>(permute<0, 2, 1, 3>(o)), out_weight.as(x), out_bias.as(x));
  }
};

}  // namespace nn
}  // namespace dcs

#include <dcs/core/header_end.inl>
