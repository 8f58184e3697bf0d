// softmax(q · kᵀ · s) · v as one kernel: called by name, or recognised in the written equation by the pattern table.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/attention/cpu.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/softmax/softmax.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct attention_depth_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::attention: q, k and v must have the same head depth (axis 3)");
};
template <class Found, class Expected, class Axis>
struct attention_length_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::attention: k and v must have the same number of tokens (axis 2)");
};
template <class Found, class Expected, class Axis>
struct attention_batch_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::attention: q, k and v must have the same batch and heads");
};

namespace kernels {
/// softmax(q · kᵀ · s) · v without the matrix of probabilities.
struct attention {};
}  // namespace kernels

namespace detail {
template <class Q, class K, class V>
constexpr void check_attention() {
  static_assert(Q::rank == 4 && K::rank == 4 && V::rank == 4, "dcs::attention: q, k and v have the axes batch, heads, tokens, depth");
  verify(check_of<attention_depth_mismatch<found<extent_of<K, 3>>, expected<extent_of<Q, 3>>, axis<3>>>);
  verify(check_of<attention_depth_mismatch<found<extent_of<V, 3>>, expected<extent_of<Q, 3>>, axis<3>>>);
  verify(check_of<attention_length_mismatch<found<extent_of<V, 2>>, expected<extent_of<K, 2>>, axis<2>>>);
  verify(check_of<attention_batch_mismatch<found<extent_of<K, 0>>, expected<extent_of<Q, 0>>, axis<0>>>);
  verify(check_of<attention_batch_mismatch<found<extent_of<K, 1>>, expected<extent_of<Q, 1>>, axis<1>>>);
  verify(check_of<attention_batch_mismatch<found<extent_of<V, 0>>, expected<extent_of<Q, 0>>, axis<0>>>);
  verify(check_of<attention_batch_mismatch<found<extent_of<V, 1>>, expected<extent_of<Q, 1>>, axis<1>>>);
}
}  // namespace detail

/// softmax(q · kᵀ · scale) · v (Vaswani et al. 2017, eq. 1), probabilities dropped with probability `dropout`. q: shape<N, Heads, Lq, D>; k, v:
/// shape<N, Heads, Lk, D>. Lk is at least 1. A score of −∞ gives a probability of 0; a row of such scores alone gives NaN, as its softmax does. On a
/// GPU f32 is multiplied to full accuracy, or as TF32 where cuda::library_options::tf32 allows it. Both ways split numbers into parts, and an
/// infinite element of q or k has none, so that its scores are NaN; a score of −∞ arises only by overflow.
/// PyTorch: torch.nn.functional.scaled_dot_product_attention
template <operand Q, operand K, operand V>
constexpr auto attention(const Q& q_, const K& k_, const V& v_, double scale, double dropout = 0, random_stream random = {}) {
  using S = shape_t<Q>;
  using KS = shape_t<K>;
  using VS = shape_t<V>;
  detail::check_attention<S, KS, VS>();
  if constexpr (any_probe_v<Q, K, V>) {
    const auto q = eval(q_);
    note_work<S>(nullptr, S::extents, work{2 * S::size() * extent_of<KS, 2>, 0}, q);
    return probe_result<S>(q);
  } else {
    using T = value_t<Q>;
    using D = device_t<Q>;
    const auto q = eval(q_);
    const auto k = eval(k_);
    const auto v = eval(v_);
    const auto& n = q.sizes();
    detail::expect_same_names("dcs::attention", q, k, v);
    expect(k.sizes()[2] >= 1, "dcs::attention: sizes ", to_string(n), ", ", to_string(k.sizes()), " and ", to_string(v.sizes()),
           " do not fit: there must be at least one key");
    expect(n[1] >= 1 && n[2] >= 1 && n[3] >= 1, "dcs::attention: q of sizes ", to_string(n), " has no heads, no tokens or no depth");
    expect(dropout >= 0 && dropout < 1, "dcs::attention: dropout ", dropout, "; expected 0 <= p < 1");
    const attention_geometry g{n[0] * n[1], n[2], k.sizes()[2], n[3], scale, dropout, random};
    const extent_t multiply_adds = detail::checked_product("dcs::attention", {2, g.heads, g.queries, g.keys, g.depth});
    auto o = tensor<T, S, D>::empty(n);
    auto logsum = tensor<compute_type<T>, shape<dyn<"row">>, D>::empty({g.heads * g.queries});
    attention_forward<T>(D{}, g, value(q).data(), value(k).data(), value(v).data(), o.data(), logsum.data());
    note_work<S>(nullptr, n, work{multiply_adds, 0}, q);
    auto kept = o;
    return record(
        std::move(o),
        [g, logsum, kept, qv = value(q), kv = value(k), vv = value(v), gq = sink_of(q), gk = sink_of(k), gv = sink_of(v)](const tensor<T, S, D>& dy) {
          auto dq = tensor<T, S, D>::empty(qv.sizes());
          auto dk = tensor<T, KS, D>::empty(kv.sizes());
          auto dv = tensor<T, VS, D>::empty(vv.sizes());
          attention_backward<T>(D{}, g, qv.data(), kv.data(), vv.data(), kept.data(), logsum.data(), dy.data(), dq.data(), dk.data(), dv.data());
          gq.add(std::move(dq));
          gk.add(std::move(dk));
          gv.add(std::move(dv));
        },
        q, k, v);
  }
}

namespace detail {

// The scores q · kᵀ, with or without a constant factor.
template <class E>
struct attention_scores {
  static constexpr bool matches = false;
};
template <class Q, class K>
struct attention_scores<matmul_node<Q, transpose_node<K>>> {
  static constexpr bool matches = true;
  static const auto& product(const matmul_node<Q, transpose_node<K>>& e) { return e; }
  static double scale(const matmul_node<Q, transpose_node<K>>&) { return 1; }
};
template <class Q, class K, class T, class D>
struct attention_scores<pointwise<functions::mul, matmul_node<Q, transpose_node<K>>, scalar<T, D>>> {
  using expr = pointwise<functions::mul, matmul_node<Q, transpose_node<K>>, scalar<T, D>>;
  static constexpr bool matches = true;
  static const auto& product(const expr& e) { return e.template argument<0>(); }
  static double scale(const expr& e) { return e.template argument<1>().number; }
};
template <class Q, class K, class T, class D>
struct attention_scores<pointwise<functions::div, matmul_node<Q, transpose_node<K>>, scalar<T, D>>> {
  using expr = pointwise<functions::div, matmul_node<Q, transpose_node<K>>, scalar<T, D>>;
  static constexpr bool matches = true;
  static const auto& product(const expr& e) { return e.template argument<0>(); }
  static double scale(const expr& e) { return 1 / e.template argument<1>().number; }
};

}  // namespace detail

/// The pattern table's entry for softmax(q · kᵀ · s) · v over shape<N, Heads, L, D>. Does not apply where the scores or probabilities have been
/// evaluated before.
template <class Scores, class V>
requires(detail::attention_scores<Scores>::matches&& shape_t<V>::rank == 4 && shape_t<Scores>::rank == 4 &&
         std::is_same_v<shape_t<decltype(detail::attention_scores<Scores>::product(std::declval<const Scores&>()).left())>,
                        with_extent<shape_t<decltype(detail::attention_scores<Scores>::product(std::declval<const Scores&>()).left())>, 3,
                                    extent_of<shape_t<V>, 3>>>) struct fused<matmul_node<softmax_node<3, Scores>, V>> {
  using kernel = kernels::attention;
  using expr = matmul_node<softmax_node<3, Scores>, V>;
  using scores = detail::attention_scores<Scores>;
  static bool applies(const expr& e) { return !e.evaluated() && !e.left().evaluated() && !scores::product(e.left().input()).evaluated(); }
  static const char* why_not(const expr&) { return "its scores or probabilities have been evaluated before"; }
  static auto run(const expr& e) {
    const auto& product = scores::product(e.left().input());
    return attention(product.left(), product.right().input(), e.right(), scores::scale(e.left().input()));
  }
};

namespace reasons {
struct outermost_is_no_matmul {};
struct left_of_the_matmul_is_no_softmax_over_axis_3 {};
struct scores_are_no_matmul_with_a_transpose {};
struct operands_have_not_four_axes_of_one_depth {};
}  // namespace reasons
template <class Expr>
struct why_not<kernels::attention, Expr> {
  using type = reasons::outermost_is_no_matmul;
};
template <class A, class B>
struct why_not<kernels::attention, matmul_node<A, B>> {
  using type = reasons::left_of_the_matmul_is_no_softmax_over_axis_3;
};
template <class Scores, class V>
struct why_not<kernels::attention, matmul_node<softmax_node<3, Scores>, V>> {
  using type = std::conditional_t<detail::attention_scores<Scores>::matches, reasons::operands_have_not_four_axes_of_one_depth,
                                  reasons::scores_are_no_matmul_with_a_transpose>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
