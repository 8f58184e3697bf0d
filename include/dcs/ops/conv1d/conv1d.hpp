// conv1d: maps are N,L,C and weights K,In/Groups,Out, which nn/state_dict.hpp makes of PyTorch's Conv1d. The body is conv3d's, for volumes of height
// and width 1: the windows are gathered, and their product with the weights is one matrix product.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv3d/conv3d.hpp>

DCS_EXACT_MATH
namespace dcs {

/// y[n, i, o] = Σ x[n, i·Stride + k·Dilation − Padding, c] · w[k, c, o], zeros outside. x: shape<N, L, In>; w: shape<K, In / Groups, Out>; N and L
/// may be dynamic. Needs K times the memory of x while it runs, unless K is 1.
/// PyTorch: torch.nn.functional.conv1d
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W>
constexpr auto conv1d(const X& x, const W& w) {
  detail::check_conv3d_ranks<3, shape_t<X>, shape_t<W>>();
  return detail::conv3d<3, Stride, Padding, Dilation, Groups>("dcs::conv1d", x, w);
}
/// The same with a bias of shape<Out>, inside the op.
template <int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1, operand X, operand W, operand B>
constexpr auto conv1d(const X& x, const W& w, const B& b) {
  detail::check_conv3d_ranks<3, shape_t<X>, shape_t<W>>();
  return detail::conv3d<3, Stride, Padding, Dilation, Groups>("dcs::conv1d", x, w, b);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
