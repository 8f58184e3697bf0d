// conv_transpose1d: maps are N,L,C and weights K,Out/Groups,In, those of the convolution back. The body is conv_transpose3d's.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/conv_transpose3d/conv_transpose3d.hpp>

DCS_EXACT_MATH
namespace dcs {

/// y[n, i·Stride + k·Dilation − Padding, o] = Σ x[n, i, c] · w[k, o, c]. x: shape<N, L, In>; w: shape<K, Out / Groups, In>; y: shape<N, L′, Out> with
/// L′ = (L − 1)·Stride − 2·Padding + Dilation·(K − 1) + OutputPadding + 1; of a named L unwindowed() of core/extent_algebra.hpp. An error where L′
/// < 1.
///
/// PyTorch: torch.nn.functional.conv_transpose1d
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W>
constexpr auto conv_transpose1d(const X& x, const W& w) {
  detail::check_conv_transpose3d_ranks<3, shape_t<X>, shape_t<W>>();
  return detail::conv_transpose3d<3, Stride, Padding, OutputPadding, Groups, Dilation>("dcs::conv_transpose1d", x, w);
}
/// The same with a bias of shape<Out>, inside the op.
template <int Stride = 1, int Padding = 0, int OutputPadding = 0, int Groups = 1, int Dilation = 1, operand X, operand W, operand B>
constexpr auto conv_transpose1d(const X& x, const W& w, const B& b) {
  detail::check_conv_transpose3d_ranks<3, shape_t<X>, shape_t<W>>();
  return detail::conv_transpose3d<3, Stride, Padding, OutputPadding, Groups, Dilation>("dcs::conv_transpose1d", x, w, b);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
