// Layers one after the other, under PyTorch's names 0, 1, 2; and functions as layers, to stand among them.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/activations.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/ops/pool/pool.hpp>

#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// "17" for layer 17.
template <std::size_t I>
constexpr std::array<char, 4> layer_number() {
  static_assert(I < 1000, "dcs::nn::sequential: at most 1000 layers");
  if constexpr (I < 10)
    return {static_cast<char>('0' + I), 0, 0, 0};
  else if constexpr (I < 100)
    return {static_cast<char>('0' + I / 10), static_cast<char>('0' + I % 10), 0, 0};
  else
    return {static_cast<char>('0' + I / 100), static_cast<char>('0' + I / 10 % 10), static_cast<char>('0' + I % 10), 0};
}
template <std::size_t I>
inline constexpr std::array<char, 4> layer_name = layer_number<I>();
}  // namespace detail

namespace nn {

/// The layers one after the other: sequential<conv2d<3, 8, 3>, relu, conv2d<8, 8, 3>>. A layer is whatever is called with one operand: a module, a
/// function object without parameters, a lambda's type. Parameters are named by their layer's number, as torch.nn.Sequential names them, and layers
/// without parameters count: here 0.weight, 0.bias, 2.weight, 2.bias. What a layer leaves unevaluated is seen by the next, so that a convolution, its
/// norm and its activation become one kernel; the result is evaluated.
/// PyTorch: torch.nn.Sequential
template <class... Layers>
struct sequential {
  static_assert((((dcs::module<Layers>) || std::is_trivially_copyable_v<Layers>)&&...),
                "dcs::nn::sequential: a layer with parameters names them with DCS_MEMBERS");
  std::tuple<Layers...> layers{};

  /// Layer I, as to set a dropout's p.
  template <std::size_t I>
  constexpr auto& get() {
    return std::get<I>(layers);
  }
  template <std::size_t I>
  constexpr const auto& get() const {
    return std::get<I>(layers);
  }

  template <class Visit>
  constexpr void members(Visit&& visit) {
    visit_layers(*this, visit, std::index_sequence_for<Layers...>{});
  }
  template <class Visit>
  constexpr void members(Visit&& visit) const {
    visit_layers(*this, visit, std::index_sequence_for<Layers...>{});
  }

  template <operand X>
  constexpr auto operator()(const X& x) const {
    return eval(from<0>(x));
  }

 private:
  template <std::size_t I, class X>
  constexpr auto from(const X& x) const {
    if constexpr (I == sizeof...(Layers))
      return x;
    else
      return from<I + 1>(std::get<I>(layers)(x));
  }
  template <class Self, class Visit, std::size_t... I>
  static constexpr void visit_layers(Self& self, Visit& visit, std::index_sequence<I...>) {
    (visit_layer(dcs::detail::layer_name<I>.data(), std::get<I>(self.layers), visit), ...);
  }
  template <class Layer, class Visit>
  static constexpr void visit_layer(const char* name, Layer& layer, Visit& visit) {
    if constexpr (dcs::module<Layer>) visit(name, layer);
  }
};

/// max_pool2d<K, Stride, Padding>(x) as a layer.
/// PyTorch: torch.nn.MaxPool2d
template <int K, int Stride = K, int Padding = 0>
struct max_pool2d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::max_pool2d<K, Stride, Padding>(x);
  }
};
/// avg_pool2d<K, Stride, Padding>(x) as a layer: the average of the pixels inside the image (PyTorch's count_include_pad = False).
/// PyTorch: torch.nn.AvgPool2d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0>
struct avg_pool2d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::avg_pool2d<K, Stride, Padding>(x);
  }
};
/// max_pool1d<K, Stride, Padding>(x) as a layer.
/// PyTorch: torch.nn.MaxPool1d
template <int K, int Stride = K, int Padding = 0>
struct max_pool1d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::max_pool1d<K, Stride, Padding>(x);
  }
};
/// avg_pool1d<K, Stride, Padding>(x) as a layer: the average of the elements inside the rows (PyTorch's
/// count_include_pad = False).
/// PyTorch: torch.nn.AvgPool1d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0>
struct avg_pool1d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::avg_pool1d<K, Stride, Padding>(x);
  }
};
/// max_pool3d<K, Stride, Padding>(x) as a layer.
/// PyTorch: torch.nn.MaxPool3d
template <int K, int Stride = K, int Padding = 0>
struct max_pool3d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::max_pool3d<K, Stride, Padding>(x);
  }
};
/// avg_pool3d<K, Stride, Padding>(x) as a layer: the average of the elements inside the volume (PyTorch's
/// count_include_pad = False).
/// PyTorch: torch.nn.AvgPool3d(count_include_pad=False)
template <int K, int Stride = K, int Padding = 0>
struct avg_pool3d {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::avg_pool3d<K, Stride, Padding>(x);
  }
};
/// global_avg_pool(x) as a layer: the mean over every axis between the batch and the channels.
/// PyTorch: torch.nn.AdaptiveAvgPool2d(1)
struct global_avg_pool {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::global_avg_pool(x);
  }
};

}  // namespace nn
}  // namespace dcs

#include <dcs/core/header_end.inl>
