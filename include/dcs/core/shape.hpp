// shape<E...>: the extents of a tensor as one integer pack, and the algebra on it. Nothing here has a run-time state.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/size_agreement.hpp>

#include <type_traits>

DCS_EXACT_MATH
namespace dcs {

/// Extents of a tensor, outermost first; row-major, so the last axis is contiguous. Feature maps are <batch, height, width, channels>.
template <extent... E>
struct shape {
  using self = shape;
  static constexpr int rank = sizeof...(E);
  static constexpr bool is_static = ((E >= 0) && ...);
  static_assert(
      (detail::is_valid(E) && ...),
      "dcs::shape: an extent is at least 0, or an expression over names of at most 19 characters, as height*2+width, with positive factors, an "
      "offset of at most 2047 and a divisor of at most 4096; a constant of one has the type dcs::extent");
  static_assert(detail::static_product_fits({E...}, 1), "dcs::shape: the product of the extents must be at most 2^60");
  /// The extents; of a static shape they are its sizes.
  static constexpr std::array<std::conditional_t<is_static, extent_t, extent>, sizeof...(E)> extents{
      static_cast<std::conditional_t<is_static, extent_t, extent>>(E)...};
  /// Number of elements where it is static.
  static constexpr extent_t size() {
    static_assert(is_static, "dcs::shape: the number of elements of a shape with dynamic extents is known only at run time");
    return (extent_t{1} * ... * static_cast<extent_t>(E));
  }
};

/// Axis constants of N,H,W,C feature maps.
inline constexpr int batch_axis = 0, height_axis = 1, width_axis = 2, channel = 3;

template <class S>
struct is_shape : std::false_type {};
template <extent... E>
struct is_shape<shape<E...>> : std::true_type {};

namespace detail {
template <class S, int Axis>
constexpr extent extent_at() {
  return S::extents[static_cast<std::size_t>(Axis < 0 ? Axis + S::rank : Axis)];
}
}  // namespace detail

/// Extent of axis `Axis` (negative axes count from the end): a size, of type extent_t, where it is static, else an extent.
template <class S, int Axis>
inline constexpr auto extent_of =
    static_cast<std::conditional_t<(detail::extent_at<S, Axis>() >= 0), extent_t, extent>>(detail::extent_at<S, Axis>());

/// The same, and 1 for an axis that S does not have: for the plausible result of an op whose check has failed.
template <class S, int Axis>
constexpr extent extent_or_one() {
  if constexpr (Axis < S::rank)
    return extent_of<S, Axis>;
  else
    return 1;
}

namespace detail {

// shape<Rule::at(0), Rule::at(1), …>. A struct with a static function rather than a lambda: g++ 12 loses lambdas in nested alias templates.
template <class Rule, class Indices>
struct shape_by;
template <class Rule, std::size_t... I>
struct shape_by<Rule, std::index_sequence<I...>> {
  using type = shape<Rule::at(I)...>;
};

template <class S, int Axis, extent E>
struct replace_rule {
  static constexpr extent at(std::size_t i) { return i == static_cast<std::size_t>(Axis < 0 ? Axis + S::rank : Axis) ? E : S::extents[i]; }
};
template <class A, class B>
struct join_rule {
  static constexpr extent at(std::size_t i) { return i < A::extents.size() ? A::extents[i] : B::extents[i - A::extents.size()]; }
};

}  // namespace detail

/// The shape of `Rank` axes whose extents are Rule::at(0), Rule::at(1), …
template <class Rule, int Rank>
using make_shape = typename detail::shape_by<Rule, std::make_index_sequence<static_cast<std::size_t>(Rank)>>::type;

/// S with the extent of one axis replaced.
template <class S, int Axis, extent E>
using with_extent = make_shape<detail::replace_rule<S, Axis, E>, S::rank>;

/// The axes of A followed by those of B.
template <class A, class B>
using join_shapes = make_shape<detail::join_rule<A, B>, A::rank + B::rank>;

/// Run-time sizes of a shape of rank R.
template <int R>
using sizes = std::array<extent_t, static_cast<std::size_t>(R)>;

/// Number of elements of these sizes. Throws dcs::error where a size is negative or the product is above largest_product.
template <std::size_t R>
constexpr extent_t count(const std::array<extent_t, R>& s) {
  const extent_t n = detail::product_or_none(s.data(), R);
  if (n < 0) detail::refuse_sizes("dcs::count", s.data(), R, 1);
  return n;
}

template <std::size_t R>
std::string to_string(const std::array<extent_t, R>& s) {
  return detail::listed_numbers(s.data(), R);
}
template <std::size_t R>
std::string to_string(const std::array<extent, R>& e) {
  return detail::listed(e.data(), R);
}

namespace detail {

// The extents of a shape, which is static or not, for functions that are not templates.
template <class S>
inline constexpr std::array<extent, static_cast<std::size_t>(S::rank)> extents_of = [] {
  std::array<extent, static_cast<std::size_t>(S::rank)> e{};
  auto to = e.begin();
  for (const extent one : S::extents) *to++ = one;
  return e;
}();
template <class S>
void expect_fits(const char* op, const sizes<S::rank>& s) {
  expect_extents(op, extents_of<S>.data(), s.data(), s.size());
}

}  // namespace detail

// Broadcasting: axes are aligned at the end; an extent of 1 repeats; all others must be equal (equal names for dynamic ones).

template <class Found, class Expected, class Axis>
struct broadcast_mismatch {
  static constexpr bool equal = same_extent<Found, Expected>, named = Found::named || Expected::named;
  static constexpr bool inner = std::is_same_v<Axis, axis<1>> || std::is_same_v<Axis, axis<2>>;
  static_assert(equal || !named,
                "dcs::broadcast: extents of the two operands must be equal, or one of them 1; equal names are equal sizes, others do not combine: is "
                "one misspelt? try: as<shape<...>>(x) with the other's name");
  static_assert(equal || named || !inner,
                "dcs::broadcast: extents of the two operands must be equal, or one of them 1; for maps of two sizes, try: resize_bilinear_like(x, "
                "skip)");
  static_assert(equal || named || inner, "dcs::broadcast: extents of the two operands must be equal, or one of them 1");
};

namespace detail {

template <class S>
constexpr extent aligned_extent(int from_end) {
  return from_end < S::rank ? S::extents[static_cast<std::size_t>(S::rank - 1 - from_end)] : 1;
}

template <class A, class B, int Rank>
struct broadcast_rule {
  static constexpr extent at(std::size_t i) {
    const int from_end = Rank - 1 - static_cast<int>(i);
    return aligned_extent<A>(from_end) == 1 ? aligned_extent<B>(from_end) : aligned_extent<A>(from_end);
  }
};

// What broadcasting two shapes finds: the outermost axis of different extents, 0 and 0 where there is none.
struct axis_difference {
  int axis = 0;
  extent found = 0, expected = 0;
};
template <class A, class B>
struct broadcast_two {
  static constexpr int rank = A::rank > B::rank ? A::rank : B::rank;
  using type = make_shape<broadcast_rule<A, B, rank>, rank>;
  static constexpr axis_difference difference() {
    for (int i = rank - 1; i >= 0; --i) {
      const extent a = aligned_extent<A>(i), b = aligned_extent<B>(i);
      if (a != b && a != 1 && b != 1) return {rank - 1 - i, b, a};
    }
    return {};
  }
};
template <class S>
struct broadcast_two<S, S> {
  using type = S;
  static constexpr axis_difference difference() { return {}; }
};

template <class A, class... Rest>
struct broadcast_all {
  using type = A;
  static constexpr axis_difference difference{};
};
template <class A, class B, class... Rest>
struct broadcast_all<A, B, Rest...> {
  using two = broadcast_two<A, B>;
  using rest = broadcast_all<typename two::type, Rest...>;
  using type = typename rest::type;
  static constexpr axis_difference difference = two::difference().found != 0 ? two::difference() : rest::difference;
};
// The check of shapes that broadcast: instantiating it is an error where they do not.
template <class... S>
using broadcast_check = broadcast_mismatch<found<broadcast_all<S...>::difference.found>, expected<broadcast_all<S...>::difference.expected>,
                                           axis<broadcast_all<S...>::difference.axis>>;

}  // namespace detail

/// Shape of a pointwise expression over operands of these shapes. Where they do not broadcast (`broadcastable`), which an expression checks, it has
/// the extents of the first.
template <class... S>
using broadcast_shape = typename detail::broadcast_all<S...>::type;

/// Whether two shapes broadcast, without an error.
template <class A, class B>
inline constexpr bool broadcastable = [] {
  for (int i = 0; i < A::rank || i < B::rank; ++i) {
    const extent a = detail::aligned_extent<A>(i), b = detail::aligned_extent<B>(i);
    if (a != b && a != 1 && b != 1) return false;
  }
  return true;
}();

}  // namespace dcs

#include <dcs/core/header_end.inl>
