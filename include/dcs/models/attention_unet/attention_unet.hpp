// Attention U-Net (Oktay et al. 2018, arXiv:1804.03999) as its widely used two-dimensional form has it: each skip is multiplied by a gate, computed
// at full resolution from the skip and the map that comes up. (The 2018 paper takes its signal from the coarser level and gates at half the
// resolution.) All convolutions have a bias.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/unet/unet.hpp>

DCS_EXACT_MATH
namespace dcs::models::attention_unet {

/// A convolution that keeps the size, and its norm.
template <int In, int Out, int K>
struct conv_norm {
  nn::conv2d<In, Out, K> conv;
  nn::batch_norm<Out> norm;
  DCS_MEMBERS_AS((conv, "0"), (norm, "1"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return norm(conv(x));
  }
};

/// Nearest-neighbour upsampling to the size of the skip, 3 × 3 convolution, norm, ReLU: half the channels.
template <int In, int Out>
struct up_conv {
  [[no_unique_address]] nn::upsample_nearest upsample;
  nn::conv2d<In, Out, 3> conv;
  nn::batch_norm<Out> norm;
  DCS_MEMBERS_AS((conv, "1"), (norm, "2"))
  template <operand X, operand Skip>
  constexpr auto operator()(const X& x, const Skip& skip) const {
    return eval(relu(norm(conv(upsample(x, skip)))));
  }
};

/// σ(ψ(ReLU(W_g g + W_x x))), W_g and W_x to half the channels, each with a norm: one weight per pixel, shape<N, H, W, 1>.
template <int C>
struct attention_gate {
  conv_norm<C, C / 2, 1> w_g, w_x;
  conv_norm<C / 2, 1, 1> psi;
  DCS_MEMBERS(w_g, w_x, psi)
  template <operand G, operand X>
  constexpr auto operator()(const G& g, const X& x) const {
    return eval(sigmoid(eval(psi(eval(relu(eval(w_g(g)) + eval(w_x(x))))))));
  }
};

/// The network: Levels levels of Width, 2 · Width, 4 · Width ... channels. Height and width of images are multiples of 2^(Levels − 1). 34,878,573
/// parameters at the defaults.
template <int Width = 64, int Levels = 5>
struct network : pixelwise<network<Width, Levels>> {
  static_assert(Width >= 2 && Levels >= 2, "dcs::attention_unet: at least two channels and two levels");
  using ladder_type = unet::ladder<Width, Levels, true>;
  template <std::size_t... I>
  static auto upsamplers(std::index_sequence<I...>) -> std::tuple<up_conv<ladder_type::channels(I + 1), ladder_type::channels(I)>...>;
  template <std::size_t... I>
  static auto gates(std::index_sequence<I...>) -> std::tuple<attention_gate<ladder_type::channels(I)>...>;

  typename ladder_type::encoder_tuple enc;
  decltype(upsamplers(typename ladder_type::joints())) up;
  decltype(gates(typename ladder_type::joints())) gate;
  typename ladder_type::decoder_tuple dec;
  nn::conv2d<Width, 1, 1> head;
  DCS_MEMBERS(enc, up, gate, dec, head)

  /// Logits, shape<N, H, W, 1>, of images, shape<N, H, W, 3>. Traced are stage/enc, up/, gate/ and stage/dec of each level.
  template <operand X, class Trace = no_trace>
  constexpr auto operator()(const X& images, const Trace& trace = {}) const {
    const module_scope here;
    return eval(head(level<0>(images, trace)));
  }

 private:
  // A level is its encoder, all levels below it, the gate over its skip, and its decoder.
  template <std::size_t I, class X, class Trace>
  constexpr auto level(const X& x, const Trace& trace) const {
    const auto skip = std::get<I>(enc)(x);
    trace("stage/enc", skip, I);
    if constexpr (I + 1 == static_cast<std::size_t>(Levels)) {
      return skip;
    } else {
      const auto g = std::get<I>(up)(level<I + 1>(max_pool2d<2, 2, 0>(skip), trace), skip);
      const auto weight = std::get<I>(gate)(g, skip);
      const auto y = std::get<I>(dec)(concat<channel>(eval(skip * weight), g));
      trace("up/", g, I), trace("gate/", weight, I), trace("stage/dec", y, I);
      return y;
    }
  }
};

}  // namespace dcs::models::attention_unet

namespace dcs {
template <int Width = 64, int Levels = 5>
using attention_unet = models::attention_unet::network<Width, Levels>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
