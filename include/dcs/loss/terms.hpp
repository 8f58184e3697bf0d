// The losses of a network on a batch, by name: the network declares the names, `loss_terms`, and returns a weighted scalar for each; a trainer adds
// them up, and columns of results and the progress display use the names.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

#include <array>

DCS_EXACT_MATH
namespace dcs::loss {

namespace detail {
template <class X>
struct scalar_over;
template <class T, class S, class D>
struct scalar_over<tensor<T, S, D>> {
  using type = tensor<compute_type<T>, shape<>, D>;
};
template <class T, class S, class D>
struct scalar_over<var<T, S, D>> {
  using type = var<compute_type<T>, shape<>, D>;
};
}  // namespace detail

/// The scalar that a loss over X is: a var where X is one, on its device, of the type that its maps are computed in.
template <class X>
using scalar = typename detail::scalar_over<X>::type;

/// One weighted scalar, shape<>, for each of a network's loss_terms, and one number, such as a count of regions, for each of its count_names.
template <class X, std::size_t Terms, std::size_t Counts = 0>
struct terms {
  std::array<scalar<X>, Terms> values;
  std::array<extent_t, Counts> counts{};
};

/// The loss: the sum of its terms, in their order. shape<>.
template <class X, std::size_t Terms, std::size_t Counts>
scalar<X> total(const terms<X, Terms, Counts>& t) {
  return std::apply([](const auto& first, const auto&... more) { return eval((first + ... + more)); }, t.values);
}

}  // namespace dcs::loss

#include <dcs/core/header_end.inl>
