// Functions of elements as layers of sequential: those without parameters, and PReLU with one slope a channel.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/activations.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/nn/module_scope.hpp>
#include <dcs/nn/parameter.hpp>

DCS_EXACT_MATH
namespace dcs::nn {

#define DCS_ACTIVATION_LAYER(function)            \
  struct function {                               \
    template <operand X>                          \
    constexpr auto operator()(const X& x) const { \
      return dcs::function(x);                    \
    }                                             \
  };

/// relu(x) as a layer.
/// PyTorch: torch.nn.ReLU
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(relu)
/// sigmoid(x) as a layer.
/// PyTorch: torch.nn.Sigmoid
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(sigmoid)
/// tanh(x) as a layer.
/// PyTorch: torch.nn.Tanh
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(tanh)
/// gelu(x) as a layer.
/// PyTorch: torch.nn.GELU
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(gelu)
/// gelu_tanh(x) as a layer.
/// PyTorch: torch.nn.GELU(approximate="tanh")
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(gelu_tanh)
/// silu(x) as a layer.
/// PyTorch: torch.nn.SiLU
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(silu)
/// hard_sigmoid(x) as a layer.
/// PyTorch: torch.nn.Hardsigmoid
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(hard_sigmoid)
/// hard_swish(x) as a layer.
/// PyTorch: torch.nn.Hardswish
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(hard_swish)
/// softplus(x) as a layer.
/// PyTorch: torch.nn.Softplus
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(softplus)
/// mish(x) as a layer.
/// PyTorch: torch.nn.Mish
/// Runs: as pointwise chains
DCS_ACTIVATION_LAYER(mish)
#undef DCS_ACTIVATION_LAYER

/// leaky_relu(x, slope) as a layer.
/// PyTorch: torch.nn.LeakyReLU
/// Runs: as pointwise chains
struct leaky_relu {
  double slope = 0.01;
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::leaky_relu(x, slope);
  }
};
/// elu(x, alpha) as a layer.
/// PyTorch: torch.nn.ELU
/// Runs: as pointwise chains
struct elu {
  double alpha = 1;
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::elu(x, alpha);
  }
};
/// prelu(x, weight) with a learned slope for each of C channels, or one for all (C = 1), 1/4 at first (He et al. 2015).
/// PyTorch: torch.nn.PReLU
/// Runs: as pointwise chains
template <int C = 1>
struct prelu {
  parameter<shape<C>, init::quarter> weight;
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::prelu(x, weight.as(x));
  }
};

}  // namespace dcs::nn

#include <dcs/core/header_end.inl>
