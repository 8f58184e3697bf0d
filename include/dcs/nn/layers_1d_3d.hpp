// Layers of rows, shape<N, L, C>, and of volumes, shape<N, D, H, W, C>, under PyTorch's names. Batch norm, layer norm, dropout, linear layers and
// nearest-neighbour upsampling are those of layers.hpp, which take maps of any number of axes; pooling has no parameters and is called by name
// (ops/pool/pool.hpp), or stands among layers (nn/sequential.hpp).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/layers.hpp>
#include <dcs/ops/conv1d/conv1d.hpp>
#include <dcs/ops/conv_transpose1d/conv_transpose1d.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
template <int Kernel, int Padding>
constexpr bool check_odd_kernel() {
  static_assert(Padding >= 0,
                "dcs::nn::conv1d, dcs::nn::conv3d: no padding keeps the size under an even kernel; expected a padding of 0 or more after the stride: "
                "try conv3d<In, Out, Kernel, Stride, 0>");
  return true;
}
}  // namespace detail

namespace nn {

/// Convolution of K taps over rows, In → Out. The padding keeps the length unless given; an even kernel needs one. Weights begin as PyTorch's do.
/// PyTorch: torch.nn.Conv1d
template <int In, int Out, int K, int Stride = 1, int Padding = detail::size_keeping_padding(K, 1), int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * In / Groups>, class BiasInit = init::uniform_fan_in<K * In / Groups>, int Dilation = 1>
struct conv1d {
  parameter<shape<K, In / Groups, Out>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  static_assert(detail::check_odd_kernel<K, Padding>());
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv1d<Stride, Padding, Dilation, Groups>(x, weight.as(x), bias.as(x));
  }
};
template <int In, int Out, int K, int Stride, int Padding, int Groups, class Init, class BiasInit, int Dilation>
struct conv1d<In, Out, K, Stride, Padding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, In / Groups, Out>, Init, layout::convolution> weight;
  static_assert(detail::check_odd_kernel<K, Padding>());
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv1d<Stride, Padding, Dilation, Groups>(x, weight.as(x));
  }
};

/// K × K × K convolution over volumes, In → Out. The padding keeps the size unless given; an even kernel needs one. Weights begin as PyTorch's do.
/// PyTorch: torch.nn.Conv3d
template <int In, int Out, int K, int Stride = 1, int Padding = detail::size_keeping_padding(K, 1), int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * K * K * In / Groups>, class BiasInit = init::uniform_fan_in<K * K * K * In / Groups>,
          int Dilation = 1>
struct conv3d {
  parameter<shape<K, K, K, In / Groups, Out>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  static_assert(detail::check_odd_kernel<K, Padding>());
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv3d<Stride, Padding, Dilation, Groups>(x, weight.as(x), bias.as(x));
  }
};
template <int In, int Out, int K, int Stride, int Padding, int Groups, class Init, class BiasInit, int Dilation>
struct conv3d<In, Out, K, Stride, Padding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, K, K, In / Groups, Out>, Init, layout::convolution> weight;
  static_assert(detail::check_odd_kernel<K, Padding>());
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv3d<Stride, Padding, Dilation, Groups>(x, weight.as(x));
  }
};

/// Transposed convolution of K taps over rows, In → Out: conv_transpose1d<In, Out, 2, 2> doubles the length. Weights begin as PyTorch's do.
/// PyTorch: torch.nn.ConvTranspose1d
template <int In, int Out, int K, int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * Out / Groups>, class BiasInit = init::uniform_fan_in<K * Out / Groups>, int Dilation = 1>
struct conv_transpose1d {
  parameter<shape<K, Out / Groups, In>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose1d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x), bias.as(x));
  }
};
template <int In, int Out, int K, int Stride, int Padding, int OutputPadding, int Groups, class Init, class BiasInit, int Dilation>
struct conv_transpose1d<In, Out, K, Stride, Padding, OutputPadding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, Out / Groups, In>, Init, layout::convolution> weight;
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose1d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x));
  }
};

/// K × K × K transposed convolution over volumes, In → Out: conv_transpose3d<In, Out, 2, 2> doubles depth, height and width. Weights begin as
/// PyTorch's do.
/// PyTorch: torch.nn.ConvTranspose3d
template <int In, int Out, int K, int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * K * K * Out / Groups>, class BiasInit = init::uniform_fan_in<K * K * K * Out / Groups>,
          int Dilation = 1>
struct conv_transpose3d {
  parameter<shape<K, K, K, Out / Groups, In>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose3d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x), bias.as(x));
  }
};
template <int In, int Out, int K, int Stride, int Padding, int OutputPadding, int Groups, class Init, class BiasInit, int Dilation>
struct conv_transpose3d<In, Out, K, Stride, Padding, OutputPadding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, K, K, Out / Groups, In>, Init, layout::convolution> weight;
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose3d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x));
  }
};

/// Resizing to the size of another map, as a layer, for which thop counts operations per value of the result: 5 if linear, 31 if trilinear.
struct upsample_linear {
  template <operand X, operand Like>
  constexpr auto operator()(const X& x, const Like& like) const {
    return detail::noted(eval(resize_linear_like<corners::aligned>(x, like)), 5, x);
  }
};
struct upsample_trilinear {
  template <operand X, operand Like>
  constexpr auto operator()(const X& x, const Like& like) const {
    return detail::noted(eval(resize_trilinear_like<corners::aligned>(x, like)), 31, x);
  }
};
/// Resizing to Factor times the length, or the depth, height and width, as a layer, counted as the two above.
/// PyTorch: torch.nn.Upsample(scale_factor=Factor, mode="linear"), of volumes mode="trilinear"
template <corners C, extent_t Factor>
struct upsample_linear_by {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return detail::noted(eval(resize_linear_by<C, Factor>(x)), 5, x);
  }
};
template <corners C, extent_t Factor>
struct upsample_trilinear_by {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return detail::noted(eval(resize_trilinear_by<C, Factor>(x)), 31, x);
  }
};

}  // namespace nn
}  // namespace dcs

#include <dcs/core/header_end.inl>
