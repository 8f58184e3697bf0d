// Multi-scale feature aggregation: attention over the tokens of all levels, refinement of each decoded level, and fusion of the levels. An aggregator
// is a struct with a template `stage<D, Levels>` that has attend(tokens), refine(map) and fuse(maps...), as feature_aggregator
// (models/dcsnet/stages.hpp) requires; msfa is the paper's, mean_fusion its ablation (Table 5).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/transformer.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Depthwise-separable 3 × 3 with squeeze-and-excite (Hu et al. 2018) and a 1 × 1 shortcut: relu(y · se(y) + shortcut(x)), y =
/// relu(pointwise(depthwise(x))).
template <int D>
struct refinement {
  nn::conv2d<D, D, 3, 1, 1, D> depthwise;
  nn::conv2d<D, D, 1> pointwise;
  nn::conv2d<D, D / 4, 1> squeeze;
  nn::conv2d<D / 4, D, 1> excite;
  nn::conv2d<D, D, 1> shortcut;
  DCS_MEMBERS(depthwise, pointwise, squeeze, excite, shortcut)

  template <operand X>
  constexpr auto operator()(const X& x_) const {
    const auto x = eval(x_);
    const auto y = eval(relu(pointwise(eval(depthwise(x)))));
    const auto scale = eval(sigmoid(excite(eval(relu(squeeze(global_avg_pool(y)))))));
    return eval(relu(y * scale + eval(shortcut(x))));
  }
};

/// Eq. 8: logits of the per-pixel weights over the levels, from their concatenation, deepest first.
template <int D, int Levels>
struct gate_logits {
  nn::conv2d<Levels * D, D / 4, 3> conv1;
  nn::batch_norm<D / 4> norm1;
  nn::conv2d<D / 4, D / 4, 3> conv2;
  nn::batch_norm<D / 4> norm2;
  nn::conv2d<D / 4, Levels, 1> conv3;
  DCS_MEMBERS(conv1, norm1, conv2, norm2, conv3)

  template <operand... X>
  constexpr auto operator()(const X&... levels) const {
    const auto x = eval(relu(norm1(conv1(concat<channel>(levels...)))));
    return eval(conv3(eval(relu(norm2(conv2(x))))));
  }
};

/// The paper's aggregation: a Transformer of Layers × Heads over the tokens of all levels, a shared refinement, and the pixel-adaptive gate.
template <int Layers = 4, int Heads = 8>
struct msfa {
  template <int D, int Levels>
  struct stage {
    static_assert(Levels == 4, "dcs::msfa: fuses four levels");
    std::array<nn::transformer_encoder_layer<D, Heads, 4 * D>, static_cast<std::size_t>(Layers)> transformer;
    refinement<D> refinement_;
    gate_logits<D, Levels> gate;
    DCS_MEMBERS_AS((transformer, "transformer"), (refinement_, "refine"), (gate, "gate"))

    template <operand X>
    constexpr auto attend(const X& tokens) const {
      auto x = eval(tokens);
      for (const auto& layer : transformer) x = layer(x);
      return x;
    }
    template <operand X>
    constexpr auto refine(const X& x) const {
      return refinement_(x);
    }
    /// Eqs 8 and 9, then the refinement again.
    template <operand X>
    constexpr auto fuse(const X& d5, const X& d4, const X& d3, const X& d2) const {
      const auto w = weights(d5, d4, d3, d2);
      return refinement_(eval(slice<channel, 0>(w) * d5 + slice<channel, 1>(w) * d4 + slice<channel, 2>(w) * d3 + slice<channel, 3>(w) * d2));
    }
    /// The weights of eq. 8 over D5, D4, D3, D2.
    template <operand X>
    constexpr auto weights(const X& d5, const X& d4, const X& d3, const X& d2) const {
      return softmax<channel>(gate(d5, d4, d3, d2));
    }
  };
};

/// Table 5 without MSFA: no attention, no refinement, the mean of the levels.
struct mean_fusion {
  template <int D, int Levels>
  struct stage {
    template <class Visit>
    constexpr void members(Visit&&) const {}
    template <operand X>
    constexpr auto attend(const X& tokens) const {
      return eval(tokens);
    }
    template <operand X>
    constexpr auto refine(const X& x) const {
      return eval(x);
    }
    template <operand X, operand... More>
    constexpr auto fuse(const X& first, const More&... more) const {
      return eval((first + ... + more) / static_cast<double>(Levels));
    }
  };
};

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
