// UNet (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597) as it is written today: 3 × 3 convolutions that keep the size, without bias, each with
// batch norm and ReLU; max pooling between levels; transposed 2 × 2 convolutions on the way up; the skip comes first in the concatenation.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/models/pixelwise/pixelwise.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/nn/trace.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

DCS_EXACT_MATH
namespace dcs::models::unet {

/// Convolution, norm, ReLU, twice: shape<N, H, W, In> to shape<N, H, W, Out>.
template <int In, int Out, bool Bias = false>
struct double_conv {
  nn::conv2d<In, Out, 3, 1, 1, 1, Bias> conv1;
  nn::batch_norm<Out> norm1;
  nn::conv2d<Out, Out, 3, 1, 1, 1, Bias> conv2;
  nn::batch_norm<Out> norm2;
  DCS_MEMBERS_AS((conv1, "0"), (norm1, "1"), (conv2, "3"), (norm2, "4"))
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(relu(norm2(conv2(eval(relu(norm1(conv1(x))))))));
  }
};

/// The levels of a UNet and of its relatives: Width, 2 · Width, 4 · Width ... channels, and the convolutions of each, on the way down and on the way
/// up from the level below.
template <int Width, int Levels, bool Bias>
struct ladder {
  static constexpr int channels(std::size_t level) { return Width << level; }
  static constexpr int inputs(std::size_t level) { return level == 0 ? 3 : channels(level) / 2; }
  template <std::size_t... I>
  static auto encoders(std::index_sequence<I...>) -> std::tuple<double_conv<inputs(I), channels(I), Bias>...>;
  template <std::size_t... I>
  static auto decoders(std::index_sequence<I...>) -> std::tuple<double_conv<2 * channels(I), channels(I), Bias>...>;
  using levels = std::make_index_sequence<static_cast<std::size_t>(Levels)>;
  using joints = std::make_index_sequence<static_cast<std::size_t>(Levels - 1)>;
  using encoder_tuple = decltype(encoders(levels()));
  using decoder_tuple = decltype(decoders(joints()));
};

/// The network: Levels levels of Width, 2 · Width, 4 · Width ... channels. Height and width of images are multiples of 2^(Levels − 1). 31,037,633
/// parameters at the defaults.
template <int Width = 64, int Levels = 5>
struct network : pixelwise<network<Width, Levels>> {
  static_assert(Width >= 1 && Levels >= 2, "dcs::unet: at least one channel and two levels");
  using ladder_type = ladder<Width, Levels, false>;
  template <std::size_t... I>
  static auto upsamplers(std::index_sequence<I...>)
      -> std::tuple<nn::conv_transpose2d<ladder_type::channels(I + 1), ladder_type::channels(I), 2, 2>...>;

  typename ladder_type::encoder_tuple enc;
  decltype(upsamplers(typename ladder_type::joints())) up;
  typename ladder_type::decoder_tuple dec;
  nn::conv2d<Width, 1, 1> head;
  DCS_MEMBERS(enc, up, dec, head)

  /// Logits, shape<N, H, W, 1>, of images, shape<N, H, W, 3>. Traced are stage/enc and stage/dec of each level.
  template <operand X, class Trace = no_trace>
  constexpr auto operator()(const X& images, const Trace& trace = {}) const {
    const module_scope here;
    return eval(head(level<0>(images, trace)));
  }

 private:
  // A level is its encoder, all levels below it, and its decoder.
  template <std::size_t I, class X, class Trace>
  constexpr auto level(const X& x, const Trace& trace) const {
    const auto skip = std::get<I>(enc)(x);
    trace("stage/enc", skip, I);
    if constexpr (I + 1 == static_cast<std::size_t>(Levels)) {
      return skip;
    } else {
      const auto y = std::get<I>(dec)(concat<channel>(skip, std::get<I>(up)(level<I + 1>(max_pool2d<2, 2, 0>(skip), trace))));
      trace("stage/dec", y, I);
      return y;
    }
  }
};

}  // namespace dcs::models::unet

namespace dcs {
template <int Width = 64, int Levels = 5>
using unet = models::unet::network<Width, Levels>;
}  // namespace dcs

#include <dcs/core/header_end.inl>
