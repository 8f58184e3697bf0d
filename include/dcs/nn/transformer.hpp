// The layers of the Transformer (Vaswani et al. 2017) with ReLU, under PyTorch's names: torch.nn.TransformerEncoderLayer and TransformerDecoderLayer
// with batch_first. A template argument says where the norms stand.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/attention.hpp>

DCS_EXACT_MATH
namespace dcs::nn {

/// Where a Transformer's layer norms stand. `post`: behind the sum with the residual, norm(x + f(x)), as Vaswani et al. 2017; `pre`: before each
/// part, x + f(norm(x)), as Xiong et al. 2020 and PyTorch's norm_first = True, which trains without a warm-up.
enum class norm_order { post, pre };

/// y = norm1(x + attention(x)), norm2(y + ffn(y)); pre-norm: y = x + attention(norm1(x)), y + ffn(norm2(y)). Dropout behind both and inside the FFN
/// of `Hidden` units and the attention, with probability 0.2 unless set_dropout says another. x: shape<N, L, D>; so is the result.
/// PyTorch: torch.nn.TransformerEncoderLayer(batch_first=True)
/// Runs: as attention
template <int D, int H, int Hidden, norm_order Order = norm_order::post>
struct transformer_encoder_layer {
  multi_head_attention<D, H> self_attn;
  nn::linear<D, Hidden> linear1;
  nn::linear<Hidden, D> linear2;
  layer_norm<D> norm1, norm2;
  nn::dropout dropout{0.2};
  DCS_MEMBERS(self_attn, linear1, linear2, norm1, norm2)

  constexpr transformer_encoder_layer() { set_dropout(dropout.p); }
  /// Sets the probability of every dropout of the layer.
  constexpr void set_dropout(double p) { dropout.p = self_attn.dropout = p; }

  /// Where a mask is given, it is added to the scores of the attention (multi_head_attention::masked): shape<L, L>, as causal_mask, or what
  /// broadcasts to shape<N, H, L, L>, as padding_mask.
  template <operand X, attention_mask Mask = no_mask_t>
  constexpr auto operator()(const X& x_, const Mask& mask = no_mask) const {
    self_attn.template check<X>(), self_attn.template check<X, X, Mask>();
    const auto x = eval(x_);
    if constexpr (!multi_head_attention<D, H>::template fits<X, X, Mask>()) {
      return x;
    } else if constexpr (Order == norm_order::post) {
      const auto y = norm1(x, dropout(self_attn.masked(x, mask)));
      return norm2(y, ffn(y));
    } else {
      const auto y = eval(x + dropout(self_attn.masked(norm1(x), mask)));
      return eval(y + ffn(norm2(y)));
    }
  }

 private:
  template <class X>
  constexpr auto ffn(const X& x) const {
    return dropout(linear2(dropout(eval(dcs::relu(linear1(x))))));
  }
};

/// y = norm1(x + self_attention(x)), z = norm2(y + attention(y, memory)), norm3(z + ffn(z)); pre-norm: each norm before its part, as in the encoder
/// layer, whose dropout it has too. x: shape<N, L, D>; memory, what an encoder made: shape<N, K, D>, K at least 1. The result is shape<N, L, D>.
/// PyTorch: torch.nn.TransformerDecoderLayer(batch_first=True)
/// Runs: as attention
template <int D, int H, int Hidden, norm_order Order = norm_order::post>
struct transformer_decoder_layer {
  multi_head_attention<D, H> self_attn, multihead_attn;
  nn::linear<D, Hidden> linear1;
  nn::linear<Hidden, D> linear2;
  layer_norm<D> norm1, norm2, norm3;
  nn::dropout dropout{0.2};
  DCS_MEMBERS(self_attn, multihead_attn, linear1, linear2, norm1, norm2, norm3)

  constexpr transformer_decoder_layer() { set_dropout(dropout.p); }
  /// Sets the probability of every dropout of the layer.
  constexpr void set_dropout(double p) { dropout.p = self_attn.dropout = multihead_attn.dropout = p; }

  /// Where masks are given, they are added to the scores: `mask` to those of the self-attention, shape<L, L>, as causal_mask, or what broadcasts to
  /// shape<N, H, L, L>; `memory_mask` to those of the attention to the memory, shape<L, K>, or what broadcasts to shape<N, H, L, K>, as the
  /// padding_mask of the memory. The latter alone: layer(x, memory, no_mask, memory_mask).
  template <operand X, operand M, attention_mask Mask = no_mask_t, attention_mask MemoryMask = no_mask_t>
  constexpr auto operator()(const X& x_, const M& memory_, const Mask& mask = no_mask, const MemoryMask& memory_mask = no_mask) const {
    self_attn.template check<X>(), multihead_attn.template check<M>();
    self_attn.template check<X, X, Mask>(), multihead_attn.template check<X, M, MemoryMask>();
    const auto x = eval(x_);
    const auto memory = eval(memory_);
    if constexpr (!multi_head_attention<D, H>::template fits<X, X, Mask>() || !multi_head_attention<D, H>::template fits<X, M, MemoryMask>()) {
      return x;
    } else if constexpr (Order == norm_order::post) {
      const auto y = norm1(x, dropout(self_attn.masked(x, mask)));
      const auto z = norm2(y, dropout(multihead_attn(y, memory, memory_mask)));
      return norm3(z, ffn(z));
    } else {
      const auto y = eval(x + dropout(self_attn.masked(norm1(x), mask)));
      const auto z = eval(y + dropout(multihead_attn(norm2(y), memory, memory_mask)));
      return eval(z + ffn(norm3(z)));
    }
  }

 private:
  template <class X>
  constexpr auto ffn(const X& x) const {
    return dropout(linear2(dropout(eval(dcs::relu(linear1(x))))));
  }
};

}  // namespace dcs::nn

#include <dcs/core/header_end.inl>
