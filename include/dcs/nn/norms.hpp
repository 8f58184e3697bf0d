// Norms that are not over the batch, and the convolution whose weights are standardised, which goes with them in small batches (Qiao et al. 2019).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/layers.hpp>
#include <dcs/ops/group_norm/group_norm.hpp>

DCS_EXACT_MATH
namespace dcs::nn {

/// Group norm of C channels in Groups groups.
/// PyTorch: torch.nn.GroupNorm
template <int Groups, int C>
struct group_norm {
  parameter<shape<C>, init::ones> weight;
  parameter<shape<C>> bias;
  double eps = 1e-5;
  DCS_MEMBERS(weight, bias)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::group_norm<Groups>(x, weight.as(x), bias.as(x), eps);
  }
};

/// instance_norm(x) as a layer without parameters.
/// PyTorch: torch.nn.InstanceNorm2d
struct instance_norm {
  double eps = 1e-5;
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return dcs::instance_norm(x, eps);
  }
};

/// RMS norm over the last axis of C. PyTorch's eps is by default the type's epsilon, 1.2e-7 for float: for its weights set that.
///
/// PyTorch: torch.nn.RMSNorm
template <int C>
struct rms_norm {
  parameter<shape<C>, init::ones> weight;
  double eps = 1e-5;
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::rms_norm(x, weight.as(x), eps);
  }
};

/// K × K convolution In → Out without bias, by weights of mean 0 and variance 1 for each output: w ← normalise<0, 1, 2>(w, eps). Gradients pass
/// through it to the stored weights.
/// Runs: as conv2d
template <int In, int Out, int K, int Stride = 1, int Padding = detail::size_keeping_padding(K, 1), int Groups = 1>
struct standardised_conv2d {
  parameter<shape<K, K, In / Groups, Out>, init::uniform_fan_in<K * K * In / Groups>, layout::convolution> weight;
  double eps = 1e-5;
  static_assert(detail::check_padding<K, Padding>());
  DCS_MEMBERS(weight)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const module_scope here(weight);
    return dcs::conv2d<Stride, Padding, 1, Groups>(x, normalise<0, 1, 2>(weight.as(x), eps));
  }
};

}  // namespace dcs::nn

#include <dcs/core/header_end.inl>
