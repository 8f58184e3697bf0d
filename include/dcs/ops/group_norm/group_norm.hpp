// Group norm (Wu & He 2018) and instance norm (Ulyanov et al. 2016): every image is standardised by itself, along its positions and along the
// channels of a group. Channels are the last axis, and those of a group are neighbours, so that the groups are an axis of another shape of the same
// elements.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/normalise/normalise.hpp>
#include <dcs/ops/rearrange/reshape.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct group_norm_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::group_norm: gamma and beta must have one value per channel (the last axis)");
};
template <class Found, class Expected, class Axis>
struct group_norm_remainder {
  static_assert(same_extent<Found, Expected>, "dcs::group_norm: the groups must divide the channels (the last axis); remainder");
};

namespace detail {

// shape<N, ..., C> as shape<N, ..., Groups, C / Groups>.
template <class S, int Groups>
struct grouped_rule {
  static constexpr extent at(std::size_t i) {
    constexpr auto last = static_cast<std::size_t>(S::rank - 1);
    return i < last ? S::extents[i] : i == last ? Groups : extent_of<S, -1> / Groups;
  }
};

template <class S, int Groups, class... P>
constexpr void check_group_norm() {
  static_assert(S::rank >= 3, "dcs::group_norm: an input has a batch, positions and channels: shape<N, H, W, C> or shape<N, L, C>");
  static_assert(Groups >= 1, "dcs::group_norm: at least one group");
  static_assert(((P::rank == 1) && ...), "dcs::group_norm: gamma and beta have one axis");
  static_assert(extent_of<S, -1> >= 1, "dcs::group_norm: the number of channels (the last axis) is static and at least 1");
  if constexpr (Groups >= 1) verify(check_of<group_norm_remainder<found<extent_of<S, -1> % Groups>, expected<0>, axis<S::rank - 1>>>);
  (verify(check_of<group_norm_mismatch<found<extent_of<P, 0>>, expected<extent_of<S, -1>>, axis<S::rank - 1>>>), ...);
}

// Where it is false check_group_norm has said why, and no other error is to follow.
template <class S, int Groups, class... P>
constexpr bool group_norm_fits() {
  if constexpr (S::rank < 3 || Groups < 1)
    return false;
  else
    return extent_of<S, -1> >= 1 && extent_of<S, -1> % Groups == 0 && ((P::rank == 1 && extent_of<P, 0> == extent_of<S, -1>)&&...);
}

template <int Groups, class X, std::size_t... I>
constexpr auto grouped(const X& x_, double eps, std::index_sequence<I...>) {
  using S = shape_t<X>;
  using G = make_shape<grouped_rule<S, Groups>, S::rank + 1>;
  const auto x = eval(x_);
  if constexpr (any_probe_v<X>) {
    return x;
  } else {
    return reshape<S>(normalise<static_cast<int>(I + 1)..., S::rank>(reshape<G>(x), eps));
  }
}

}  // namespace detail

/// (x − mean) / sqrt(variance + eps) · gamma + beta, mean and biased variance of each image and each of Groups equal groups of neighbouring channels,
/// over all positions. x: shape<N, ..., C> with at least one axis of positions; gamma, beta: shape<C>. Throws dcs::error where there are images but
/// no positions.
///
/// PyTorch: torch.nn.functional.group_norm
template <int Groups, operand X, operand G, operand B>
constexpr auto group_norm(const X& x, const G& gamma, const B& beta, double eps = 1e-5) {
  using S = shape_t<X>;
  detail::check_group_norm<S, Groups, shape_t<G>, shape_t<B>>();
  if constexpr (detail::group_norm_fits<S, Groups, shape_t<G>, shape_t<B>>())
    return detail::grouped<Groups>(x, eps, std::make_index_sequence<static_cast<std::size_t>(S::rank - 2)>()) * gamma + beta;
  else
    return x;
}

/// Mean 0 and variance 1 of every channel of every image, over its positions: group norm with a group for each channel, without gamma and beta.
/// PyTorch: torch.nn.functional.instance_norm
template <operand X>
constexpr auto instance_norm(const X& x, double eps = 1e-5) {
  using S = shape_t<X>;
  detail::check_group_norm<S, 1>();
  if constexpr (detail::group_norm_fits<S, 1>()) return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return normalise<static_cast<int>(I + 1)...>(x, eps);
    }
  (std::make_index_sequence<static_cast<std::size_t>(S::rank - 2)>());
  else return x;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
