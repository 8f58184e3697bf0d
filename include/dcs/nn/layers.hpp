// The layers: a struct with parameters under PyTorch's names and one call. A tensor in means inference, a var in means training: batch norm then uses
// the batch's statistics and dropout drops.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/module_scope.hpp>
#include <dcs/nn/random_scope.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/dropout/dropout.hpp>
#include <dcs/ops/layer_norm/layer_norm.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/resize/resize.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// y, for which thop counts `operations` per value.
template <class Y, class X>
constexpr Y noted(const Y& y, extent_t operations, const X& x) {
  note_work<shape_t<Y>>(nullptr, y.sizes(), work{0, operations * count(y.sizes())}, x);
  return y;
}
// The padding that keeps a map's size where the kernel is odd, and −1, which must be replaced, where it is even.
constexpr int size_keeping_padding(int kernel, int dilation) { return kernel % 2 == 1 ? dilation * (kernel - 1) / 2 : -1; }
template <int Kernel, int Padding>
constexpr bool check_padding() {
  static_assert(Padding >= 0,
                "dcs::nn::conv2d: no padding keeps the size under an even kernel; expected a padding of 0 or more after the stride: try conv2d<In, "
                "Out, Kernel, Stride, 0>");
  return true;
}
}  // namespace detail

// The call of a layer with another number of arguments than it takes, which says how it is called.
#define DCS_REFUSE_CALLS(Inputs, TEXT)                                                                  \
  template <class... X>                                                                                 \
  requires(sizeof...(X) != Inputs && sizeof...(X) > 0) constexpr auto operator()(const X&... x) const { \
    static_assert(sizeof...(X) == Inputs, "dcs::nn::" TEXT);                                            \
    return dcs::detail::refuse(x...);                                                                   \
  }

namespace nn {

/// K × K convolution In → Out. The padding keeps the size unless given; an even kernel, under which none does, needs one. Weights begin as PyTorch's
/// do.
/// PyTorch: torch.nn.Conv2d
template <int In, int Out, int K, int Stride = 1, int Padding = detail::size_keeping_padding(K, 1), int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * K * In / Groups>, class BiasInit = init::uniform_fan_in<K * K * In / Groups>, int Dilation = 1>
struct conv2d {
  parameter<shape<K, K, In / Groups, Out>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  static_assert(detail::check_padding<K, Padding>());
  DCS_MEMBERS(weight, bias)
  DCS_REFUSE_CALLS(1, "conv2d: a layer of one input; try: conv(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv2d<Stride, Padding, Dilation, Groups>(x, weight.as(x)) + bias.as(x);
  }
};
template <int In, int Out, int K, int Stride, int Padding, int Groups, class Init, class BiasInit, int Dilation>
struct conv2d<In, Out, K, Stride, Padding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, K, In / Groups, Out>, Init, layout::convolution> weight;
  static_assert(detail::check_padding<K, Padding>());
  DCS_MEMBERS(weight)
  DCS_REFUSE_CALLS(1, "conv2d: a layer of one input; try: conv(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv2d<Stride, Padding, Dilation, Groups>(x, weight.as(x));
  }
};

/// The same with taps Dilation pixels apart.
/// PyTorch: torch.nn.Conv2d(dilation=...)
/// Runs: as conv2d
template <int In, int Out, int K, int Dilation, int Stride = 1, int Padding = detail::size_keeping_padding(K, Dilation), int Groups = 1,
          bool Bias = true>
using dilated_conv2d =
    conv2d<In, Out, K, Stride, Padding, Groups, Bias, init::uniform_fan_in<K * K * In / Groups>, init::uniform_fan_in<K * K * In / Groups>, Dilation>;

/// K × K transposed convolution In → Out: height H becomes (H − 1)·Stride − 2·Padding + Dilation·(K − 1) + OutputPadding + 1, so that
/// conv_transpose2d<In, Out, 2, 2> doubles it. Weights begin as PyTorch's do, whose fan-in is that of the convolution back, K · K · Out / Groups.
/// PyTorch: torch.nn.ConvTranspose2d
template <int In, int Out, int K, int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, bool Bias = true,
          class Init = init::uniform_fan_in<K * K * Out / Groups>, class BiasInit = init::uniform_fan_in<K * K * Out / Groups>, int Dilation = 1>
struct conv_transpose2d {
  parameter<shape<K, K, Out / Groups, In>, Init, layout::convolution> weight;
  parameter<shape<Out>, BiasInit> bias;
  DCS_MEMBERS(weight, bias)
  DCS_REFUSE_CALLS(1, "conv_transpose2d: a layer of one input; try: up(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x), bias.as(x));
  }
};
template <int In, int Out, int K, int Stride, int Padding, int OutputPadding, int Groups, class Init, class BiasInit, int Dilation>
struct conv_transpose2d<In, Out, K, Stride, Padding, OutputPadding, Groups, false, Init, BiasInit, Dilation> {
  parameter<shape<K, K, Out / Groups, In>, Init, layout::convolution> weight;
  DCS_MEMBERS(weight)
  DCS_REFUSE_CALLS(1, "conv_transpose2d: a layer of one input; try: up(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(x, weight.as(x));
  }
};

/// Linear layer In → Out over the last axis.
/// PyTorch: torch.nn.Linear
template <int In, int Out, class Layout = layout::linear, class Init = init::uniform_fan_in<In>, class BiasInit = init::uniform_fan_in<In>>
struct linear {
  parameter<shape<In, Out>, Init, Layout> weight;
  parameter<shape<Out>, BiasInit> bias;
  DCS_MEMBERS(weight, bias)
  DCS_REFUSE_CALLS(1, "linear: a layer of one input; try: layer(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::linear(x, weight.as(x), bias.as(x));
  }
};

/// Batch norm over C channels: batch statistics for a var, running ones for a tensor (then x · scale + shift, which becomes the epilogue of a
/// convolution).
/// PyTorch: torch.nn.BatchNorm2d
/// Runs: as batch_norm_training
template <int C>
struct batch_norm {
  parameter<shape<C>, init::ones> weight;
  parameter<shape<C>> bias;
  buffer<shape<C>> running_mean;
  buffer<shape<C>, init::ones> running_var;
  DCS_MEMBERS(weight, bias, running_mean, running_var)
  static constexpr double momentum = 0.1, eps = 1e-5;

  DCS_REFUSE_CALLS(1, "batch_norm: a layer of one input; try: norm(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    if constexpr (any_var_v<X> || any_probe_v<X>) {
      return batch_norm_training(x, weight.as(x), bias.as(x), running_mean.wide(x), running_var.wide(x), momentum, eps);
    } else {
      if constexpr (requires { x.output_sizes(); })
        note_norm<X>(x.output_sizes());
      else if constexpr (requires { x.sizes(); })
        note_norm<X>(x.sizes());
      return batch_norm_inference(x, weight.as(x), bias.as(x), running_mean.wide(x), running_var.wide(x), eps);
    }
  }

 private:
  template <class X>
  void note_norm(const sizes<shape_t<X>::rank>& n) const {
    note_work<shape_t<X>>(weight.memory().data(), n, work{0, 4 * count(n)});
  }
};

/// Batch norm whose four vectors never change and are no parameters.
/// PyTorch: torchvision.ops.FrozenBatchNorm2d
/// Runs: as batch_norm_inference
template <int C>
struct frozen_batch_norm {
  buffer<shape<C>, init::ones> weight;
  buffer<shape<C>> bias;
  buffer<shape<C>> running_mean;
  buffer<shape<C>, init::ones> running_var;
  DCS_MEMBERS(weight, bias, running_mean, running_var)
  static constexpr double eps = 1e-5;

  DCS_REFUSE_CALLS(1, "frozen_batch_norm: a layer of one input; try: norm(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    detail::check_batch_norm<shape_t<X>, shape<C>>();
    if constexpr (any_probe_v<X>)
      return eval(x);
    else
      return batch_norm_inference(x, weight.as(x), bias.as(x), running_mean.wide(x), running_var.wide(x), eps);
  }
};

/// Layer norm over the last axis of C.
/// PyTorch: torch.nn.LayerNorm
template <int C>
struct layer_norm {
  parameter<shape<C>, init::ones> weight;
  parameter<shape<C>> bias;
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::layer_norm(x, weight.as(x), bias.as(x));
  }
  template <class A, class R, class More, class... X>
  constexpr auto operator()(const A& a, const R&, const More&, const X&...) const {
    static_assert(sizeof...(X) > 100, "dcs::nn::layer_norm: a layer of one input, or of two that are added; try: norm(x), norm(x, residual)");
    return a;
  }
  /// Layer norm of x + residual.
  template <operand X, operand R>
  constexpr auto operator()(const X& x, const R& residual) const {
    const module_scope here(weight);
    return dcs::layer_norm(x, residual, weight.as(x), bias.as(x));
  }
};

/// Resizing to the height and width of another map, as a layer: for which thop counts operations per value of the result (11 if bilinear, 1 if
/// nearest); it counts none for the function.
/// PyTorch: torch.nn.UpsamplingBilinear2d
/// Runs: as resize_bilinear
struct upsample_bilinear {
  DCS_REFUSE_CALLS(2, "upsample_bilinear: a layer of two inputs, a map and one of the size wanted; try: up(x, like)")
  template <operand X, operand Like>
  constexpr auto operator()(const X& x, const Like& like) const {
    return detail::noted(eval(resize_bilinear_like<corners::aligned>(x, like)), 11, x);
  }
};
struct upsample_nearest {
  DCS_REFUSE_CALLS(2, "upsample_nearest: a layer of two inputs, a map and one of the size wanted; try: up(x, like)")
  template <operand X, operand Like>
  constexpr auto operator()(const X& x, const Like& like) const {
    return detail::noted(eval(resize_nearest_like(x, like)), 1, x);
  }
};

/// Resizing to Factor times the height and width, as a layer, counted as upsample_bilinear is.
/// PyTorch: torch.nn.Upsample(scale_factor=Factor, mode="bilinear")
/// Runs: as resize_bilinear
template <corners C, extent_t Factor>
struct upsample_bilinear_by {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return detail::noted(eval(resize_bilinear_by<C, Factor>(x)), 11, x);
  }
};
/// Repeating every element of images, rows or volumes Factor times along each axis between the batch and the channels, as a layer, counted as
/// upsample_nearest is.
/// PyTorch: torch.nn.Upsample(scale_factor=Factor)
/// Runs: as resize_bilinear
template <extent_t Factor>
struct upsample_nearest_by {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return detail::noted(eval(resize_nearest_by<Factor>(x)), 1, x);
  }
};

/// Drops elements with probability p in training.
/// PyTorch: torch.nn.Dropout
struct dropout {
  double p = 0.5;
  DCS_REFUSE_CALLS(1, "dropout: a layer of one input; try: dropout(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    if constexpr (any_var_v<X>) {
      const auto draw = p > 0 ? detail::next_draw("dcs::dropout") : std::nullopt;
      return dcs::dropout(x, draw ? p : 0, draw.value_or(random_stream{}));
    } else {
      return eval(x);
    }
  }
};
/// Drops whole channels with probability p in training.
/// PyTorch: torch.nn.Dropout2d
struct channel_dropout {
  double p = 0.5;
  DCS_REFUSE_CALLS(1, "channel_dropout: a layer of one input; try: dropout(x)")
  template <operand X>
  constexpr auto operator()(const X& x) const {
    if constexpr (any_var_v<X>) {
      const auto draw = p > 0 ? detail::next_draw("dcs::channel_dropout") : std::nullopt;
      return dcs::channel_dropout(x, draw ? p : 0, draw.value_or(random_stream{}));
    } else {
      return eval(x);
    }
  }
};

}  // namespace nn
}  // namespace dcs

#include <dcs/core/header_end.inl>
