// The softmax-weighted sum of K maps, eqs 8 and 9 of DCSNet: called by name, or written as in the paper,
//
//     auto w = softmax<channel>(logits);
//     auto fused = eval(slice<channel, 0>(w) * d5 + slice<channel, 1>(w) * d4 + slice<channel, 2>(w) * d3 + slice<channel, 3>(w) * d2);
//
// and recognised by the pattern table. Types do not show whether all terms use the same softmax node, or whether an index occurs twice, so `applies`
// checks the nodes; an expression that does not fit is evaluated unfused.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/softmax/softmax.hpp>
#include <dcs/ops/weighted_sum/cpu.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct weighted_sum_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::weighted_sum: the logits must have one channel (axis 3) for each map");
};
template <class Found, class Expected, class Axis>
struct weighted_sum_map_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::weighted_sum: every map must have the extents of the first");
};
template <class Found, class Expected, class Axis>
struct weighted_sum_pixel_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::weighted_sum: logits and maps must have the same batch, height and width");
};

namespace kernels {
/// Softmax over K maps and their weighted sum in one pass.
struct weighted_sum {};
}  // namespace kernels

namespace detail {
template <class First, class Map, int... I>
constexpr void check_weighted_map(std::integer_sequence<int, I...>) {
  static_assert(Map::rank == 4, "dcs::weighted_sum: logits and maps have the axes N,H,W,C");
  (verify(check_of<weighted_sum_map_mismatch<found<extent_of<Map, I>>, expected<extent_of<First, I>>, axis<I>>>), ...);
}
template <class Logits, class Map, int... I>
constexpr void check_weighted_pixels(std::integer_sequence<int, I...>) {
  (verify(check_of<weighted_sum_pixel_mismatch<found<extent_of<Logits, I>>, expected<extent_of<Map, I>>, axis<I>>>), ...);
}
}  // namespace detail

/// Σ_k softmax(logits)_k ⊙ maps_k. logits: shape<N, H, W, K>; maps: K of shape<N, H, W, C>, 2 <= K <= 8.
/// Runs: as softmax-weighted sum of maps
template <operand L, operand M, operand... Ms>
constexpr auto weighted_sum(const L& logits_, const M& map_, const Ms&... maps_) {
  constexpr int k = 1 + sizeof...(Ms);
  using S = shape_t<M>;
  using LS = shape_t<L>;
  static_assert(k >= 2 && k <= 8, "dcs::weighted_sum: takes two to eight maps");
  static_assert(S::rank == 4 && LS::rank == 4, "dcs::weighted_sum: logits and maps have the axes N,H,W,C");
  verify(check_of<weighted_sum_mismatch<found<extent_of<LS, 3>>, expected<k>, axis<3>>>);
  (detail::check_weighted_map<S, shape_t<Ms>>(std::make_integer_sequence<int, 4>{}), ...);
  detail::check_weighted_pixels<LS, S>(std::make_integer_sequence<int, 3>{});
  if constexpr (any_probe_v<L, M, Ms...>) {
    return probe_result<S>(eval(map_));
  } else {
    using T = value_t<M>;
    using D = device_t<M>;
    const auto logits = eval(logits_);
    return [&](const auto&... map) {
      const auto n = std::get<0>(std::tie(map...)).sizes();
      const extent_t pixels = n[0] * n[1] * n[2], channels = n[3];
      detail::expect_same_names("dcs::weighted_sum", logits, map...);
      expect(n[1] >= 1 && n[2] >= 1, "dcs::weighted_sum: maps of sizes ", to_string(n), " have no pixels");
      detail::expect_inner("dcs::weighted_sum", n);
      auto y = tensor<T, S, D>::empty(n);
      const T* pointers[k] = {value(map).data()...};
      weighted_sum_forward<k>(D{}, value(logits).data(), pointers, y.data(), pixels, channels);
      return record(
          std::move(y),
          [=, lv = value(logits), gl = sink_of(logits), keep = std::array<tensor<T, S, D>, k>{value(map)...},
           to = std::array<sink<T, S, D>, k>{sink_of(map)...}](const auto& dy) {
            auto dl = gl.wanted() ? tensor<T, LS, D>::empty(lv.sizes()) : tensor<T, LS, D>();
            const T* in[k];
            T* out[k];
            std::array<tensor<T, S, D>, k> d;
            for (std::size_t i = 0; i < k; ++i) {
              if (to[i].wanted()) d[i] = tensor<T, S, D>::empty(dy.sizes());
              in[i] = keep[i].data(), out[i] = d[i].data();
            }
            weighted_sum_backward<k>(D{}, lv.data(), in, dy.data(), dl.data(), out, pixels, channels);
            gl.add(std::move(dl));
            for (std::size_t i = 0; i < k; ++i) to[i].add(std::move(d[i]));
          },
          logits, map...);
    }(eval(map_), eval(maps_)...);
  }
}

namespace detail {

template <class X>
inline constexpr bool is_fusion_slice = false;
template <extent_t I, class L>
inline constexpr bool is_fusion_slice<slice_node<3, I, 1, softmax_node<3, L>>> = true;

// A term slice<channel, i>(softmax(logits)) · map, in either order.
template <class E>
struct fusion_term {
  static constexpr bool matches = false;
};
template <extent_t I, class L, class M>
struct fusion_term<pointwise<functions::mul, slice_node<3, I, 1, softmax_node<3, L>>, M>> {
  using expr = pointwise<functions::mul, slice_node<3, I, 1, softmax_node<3, L>>, M>;
  static constexpr bool matches = shape_t<M>::rank == 4;
  static constexpr extent_t index = I;
  using map_type = M;
  using logits_type = L;
  static const auto& softmax(const expr& e) { return e.template argument<0>().input(); }
  static const M& map(const expr& e) { return e.template argument<1>(); }
};
template <extent_t I, class L, class M>
requires(!is_fusion_slice<M>) struct fusion_term<pointwise<functions::mul, M, slice_node<3, I, 1, softmax_node<3, L>>>> {
  using expr = pointwise<functions::mul, M, slice_node<3, I, 1, softmax_node<3, L>>>;
  static constexpr bool matches = shape_t<M>::rank == 4;
  static constexpr extent_t index = I;
  using map_type = M;
  using logits_type = L;
  static const auto& softmax(const expr& e) { return e.template argument<1>().input(); }
  static const M& map(const expr& e) { return e.template argument<0>(); }
};

// A sum of terms, left-associative as a + b + c is.
template <class E>
struct fusion_sum {
  static constexpr int terms = fusion_term<E>::matches ? 1 : 0;
  static auto tie(const E& e) { return std::tie(e); }
};
template <class A, class B>
requires(fusion_sum<A>::terms > 0 && fusion_term<B>::matches) struct fusion_sum<pointwise<functions::add, A, B>> {
  static constexpr int terms = fusion_sum<A>::terms + 1;
  static auto tie(const pointwise<functions::add, A, B>& e) {
    return std::tuple_cat(fusion_sum<A>::tie(e.template argument<0>()), std::tie(e.template argument<1>()));
  }
};

template <class T>
using fusion_of = fusion_term<std::remove_cvref_t<T>>;

template <class Terms>
struct fusion_terms;
template <class... E>
struct fusion_terms<std::tuple<const E&...>> {
  static constexpr int k = sizeof...(E);
  // Position of the term with index i, or -1 where it is missing or occurs twice.
  static constexpr int position(extent_t i) {
    const extent_t index[] = {fusion_term<E>::index...};
    int at = -1;
    for (int p = 0; p < k; ++p)
      if (index[p] == i) at = at == -1 ? p : k;
    return at == k ? -1 : at;
  }
  static constexpr bool complete = [] {
    for (int i = 0; i < k; ++i)
      if (position(i) < 0) return false;
    return true;
  }();
  // Whether weighted_sum supports the maps: unlike the equation, it does not broadcast.
  template <class S, class L>
  static constexpr bool alike = L::rank == 4 && extent_of<S, 0> == extent_of<L, 0>&& extent_of<S, 1> == extent_of<L, 1>&& extent_of<S, 2> ==
                                                    extent_of<L, 2>&& extent_of<L, 3> == k;
  template <class First, class...>
  struct first_of {
    using type = First;
  };
  using map_shape = shape_t<typename first_of<typename fusion_term<E>::map_type...>::type>;
  static constexpr bool fit = complete && ((std::is_same_v<shape_t<typename fusion_term<E>::map_type>, map_shape> &&
                                            alike<map_shape, shape_t<typename fusion_term<E>::logits_type>>)&&...);
};

}  // namespace detail

/// The pattern table's entry for Σ slice<channel, k>(softmax<channel>(logits)) · map_k, each k once, all of one softmax node over exactly K channels.
template <class A, class B>
requires(detail::fusion_sum<pointwise<functions::add, A, B>>::terms >= 2) struct fused<pointwise<functions::add, A, B>> {
  using kernel = kernels::weighted_sum;
  using expr = pointwise<functions::add, A, B>;
  using sum = detail::fusion_sum<expr>;
  using terms = detail::fusion_terms<decltype(sum::tie(std::declval<const expr&>()))>;

  static bool applies(const expr& e) {
    return std::apply(
        [](const auto& first, const auto&... rest) {
          const auto& node = detail::fusion_of<decltype(first)>::softmax(first);
          if constexpr (terms::fit)
            return ((detail::fusion_of<decltype(rest)>::softmax(rest).identity() == node.identity()) && ...);
          else
            return false;
        },
        sum::tie(e));
  }
  static const char* why_not(const expr&) {
    return terms::fit ? "its slices are of different softmax nodes" : "an index is missing or occurs twice, or maps and logits differ in shape";
  }
  static auto run(const expr& e) -> typename expr::result_type {
    if constexpr (terms::fit) {
      const auto all = sum::tie(e);
      return [&]<std::size_t... I>(std::index_sequence<I...>)->typename expr::result_type {
        const auto& first = std::get<0>(all);
        const auto& node = detail::fusion_of<decltype(first)>::softmax(first);
        return in_order(node.input(), all, std::make_index_sequence<sizeof...(I)>{});
      }
      (std::make_index_sequence<static_cast<std::size_t>(terms::k)>{});
    } else {
      return e.evaluate();
    }
  }

 private:
  template <class L, class All, std::size_t... I>
  static auto in_order(const L& logits, const All& all, std::index_sequence<I...>) {
    return typename expr::result_type(weighted_sum(logits, map_at<terms::position(static_cast<extent_t>(I))>(all)...));
  }
  template <int P, class All>
  static const auto& map_at(const All& all) {
    const auto& term = std::get<static_cast<std::size_t>(P)>(all);
    return detail::fusion_of<decltype(term)>::map(term);
  }
};

namespace reasons {
struct no_sum_of_slices_of_a_softmax_over_axis_3_times_maps {};
}  // namespace reasons
template <class Expr>
struct why_not<kernels::weighted_sum, Expr> {
  using type = reasons::no_sum_of_slices_of_a_softmax_over_axis_3_times_maps;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
