// matmul and transpose of the last two axes, batched over equal leading axes. Both are lazy, so that softmax(q · kᵀ · s) · v is recognised as
// attention; the transpose of an operand of a product is not computed but passed to the product as a flag.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/gemm.hpp>
#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

template <class Found, class Expected, class Axis>
struct matmul_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::matmul: both operands must have the same number of axes, at least two");
};
template <class Found, class Expected, class Axis>
struct matmul_inner_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::matmul: the columns of the left operand must be the rows of the right one");
};
template <class Found, class Expected, class Axis>
struct transpose_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::transpose: the operand must have at least two axes; number of axes");
};
template <class Found, class Expected, class Axis>
struct matmul_batch_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::matmul: leading axes of both operands must be equal");
};

namespace kernels {
struct matrix_product {};
struct transposition {};
}  // namespace kernels

namespace detail {
template <class S>
using transposed_shape = with_extent<with_extent<S, -1, extent_of<S, -2>>, -2, extent_of<S, -1>>;

template <class A, class B, int... I>
constexpr void check_matmul_batch(std::integer_sequence<int, I...>) {
  (verify(check_of<matmul_batch_mismatch<found<extent_of<B, I>>, expected<extent_of<A, I>>, axis<I>>>), ...);
}
template <class A, class B>
constexpr void check_matmul() {
  static_assert(A::rank >= 2, "dcs::matmul: both operands must have the same number of axes, at least two");
  verify(check_of<matmul_rank_mismatch<found<B::rank>, expected<A::rank>, axis<0>>>);
  verify(check_of<matmul_inner_mismatch<found<extent_of<B, -2>>, expected<extent_of<A, -1>>, axis<A::rank - 1>>>);
  check_matmul_batch<A, B>(std::make_integer_sequence<int, A::rank - 2>{});
}
}  // namespace detail

/// The node of transpose over an evaluated operand.
template <class X>
class transpose_node : public lazy<lift_t<detail::transposed_shape<shape_t<X>>, X>> {
 public:
  using base = lazy<lift_t<detail::transposed_shape<shape_t<X>>, X>>;
  using typename base::result_type;
  using kernel = kernels::transposition;
  explicit transpose_node(X x) : x_(std::move(x)) {}
  const X& input() const { return x_; }

  result_type evaluate() const {
    return this->once([&]() -> result_type {
      using T = value_t<X>;
      using S = shape_t<X>;
      using Out = typename base::shape_type;
      using D = device_t<X>;
      detail::expect_inner("dcs::transpose", x_.sizes());
      return result_type(record(
          turn<Out, T, D>(value(x_)), [gx = sink_of(x_)](const tensor<T, Out, D>& dy) { gx.add(turn<S, T, D>(dy)); }, x_));
    });
  }

 private:
  template <class To, class T, class D, class From>
  static tensor<T, To, D> turn(const tensor<T, From, D>& x) {
    auto sizes = x.sizes();
    constexpr std::size_t r = From::rank;
    std::swap(sizes[r - 1], sizes[r - 2]);
    auto y = tensor<T, To, D>::empty(sizes);
    const extent_t rows = x.sizes()[r - 2], columns = x.sizes()[r - 1];
    if (x.size() > 0) transposition(D{}, static_cast<const T*>(x.data()), x.size() / (rows * columns), rows, columns, y.data());
    return y;
  }
  X x_;
};

/// x with its last two axes exchanged. Lazy.
/// PyTorch: torch.transpose(-2, -1)
template <operand X>
constexpr auto transpose(const X& x) {
  verify(check_of<transpose_rank_mismatch<found<shape_t<X>::rank>, expected<at_least(shape_t<X>::rank, 2)>, axis<0>>>);
  if constexpr (any_probe_v<X>)
    return probe_result<detail::transposed_shape<shape_t<X>>>(eval(x));
  else
    return transpose_node<typename result_t<X>::self>(eval(x));
}

namespace detail {
// An operand of a product: its handle, and whether it is transposed.
template <class X>
struct factor {
  using handle_type = result_t<X>;
  static constexpr bool turned = false;
  static handle_type get(const X& x) { return eval(x); }
};
template <class X>
struct factor<transpose_node<X>> {
  using handle_type = X;
  static constexpr bool turned = true;
  static const X& get(const transpose_node<X>& x) { return x.input(); }
};
}  // namespace detail

/// The node of matmul. A and B are the unevaluated operands, in which a transpose is recognised.
template <class A, class B>
class matmul_node : public lazy<lift_t<with_extent<shape_t<A>, -1, extent_of<shape_t<B>, -1>>, A, B>> {
 public:
  using base = lazy<lift_t<with_extent<shape_t<A>, -1, extent_of<shape_t<B>, -1>>, A, B>>;
  using typename base::result_type;
  using kernel = kernels::matrix_product;
  matmul_node(A a, B b) : a_(std::move(a)), b_(std::move(b)) {}
  const A& left() const { return a_; }
  const B& right() const { return b_; }

  result_type evaluate() const {
    return this->once([&] { return product(); });
  }

 private:
  using fa = detail::factor<A>;
  using fb = detail::factor<B>;

  result_type product() const {
    using T = typename base::value_type;
    using D = typename base::device_type;
    using Out = typename base::shape_type;
    using AS = shape_t<typename fa::handle_type>;
    using BS = shape_t<typename fb::handle_type>;
    constexpr std::size_t r = Out::rank;
    const auto a = fa::get(a_);
    const auto b = fb::get(b_);
    const auto &sa = a.sizes(), &sb = b.sizes();
    const extent_t m = sa[fa::turned ? r - 1 : r - 2], k = sa[fa::turned ? r - 2 : r - 1], n = sb[fb::turned ? r - 2 : r - 1];
    detail::expect_same_names("dcs::matmul", a, b);
    sizes<Out::rank> out = sa;
    const extent_t batch = detail::product(sa, 0, r - 2);
    detail::expect_inner("dcs::matmul", sa), detail::expect_inner("dcs::matmul", sb);
    expect(m >= 1 && n >= 1 && k >= 1, "dcs::matmul: sizes ", to_string(sa), " and ", to_string(sb), "; only leading axes may be 0");
    out[r - 2] = m, out[r - 1] = n;
    auto y = tensor<T, Out, D>::empty(out);
    const extent_t multiply_adds = detail::checked_product("dcs::matmul", {batch, m, n, k});
    using matrix = cpu::matrix<T>;
    gemm<T>(D{}, batch, m, n, k, matrix{value(a).data(), sa[r - 1], fa::turned}, matrix{value(b).data(), sb[r - 1], fb::turned}, y.data());
    note_work<Out>(nullptr, out, work{multiply_adds, 0}, a);
    return result_type(record(
        std::move(y),
        [m, n, k, batch, av = value(a), bv = value(b), ga = sink_of(a), gb = sink_of(b)](const tensor<T, Out, D>& dy) {
          if (ga.wanted()) {
            auto da = tensor<T, AS, D>::empty(av.sizes());
            const extent_t ldb = bv.sizes()[r - 1];
            if constexpr (fa::turned)
              gemm<T>(D{}, batch, k, m, n, matrix{bv.data(), ldb, fb::turned}, matrix{dy.data(), n, true}, da.data());
            else
              gemm<T>(D{}, batch, m, k, n, matrix{dy.data(), n}, matrix{bv.data(), ldb, !fb::turned}, da.data());
            ga.add(std::move(da));
          }
          if (gb.wanted()) {
            auto db = tensor<T, BS, D>::empty(bv.sizes());
            const extent_t lda = av.sizes()[r - 1];
            if constexpr (fb::turned)
              gemm<T>(D{}, batch, n, k, m, matrix{dy.data(), n, true}, matrix{av.data(), lda, fa::turned}, db.data());
            else
              gemm<T>(D{}, batch, k, n, m, matrix{av.data(), lda, !fa::turned}, matrix{dy.data(), n}, db.data());
            gb.add(std::move(db));
          }
        },
        a, b));
  }

  A a_;
  B b_;
};

/// a · b over the last two axes. a: shape<..., M, K>; b: shape<..., K, N>. Lazy.
/// PyTorch: torch.matmul
template <operand A, operand B>
constexpr auto matmul(const A& a, const B& b) {
  detail::check_matmul<shape_t<A>, shape_t<B>>();
  if constexpr (any_probe_v<A, B>) {
    using Out = with_extent<shape_t<A>, -1, extent_of<shape_t<B>, -1>>;
    const auto left = eval(a);
    note_work<Out>(nullptr, Out::extents, work{Out::size() * extent_of<shape_t<A>, -1>, 0}, left);
    return probe_result<Out>(left);
  } else {
    return matmul_node<A, B>(a, b);
  }
}
DCS_REFUSE_OTHERS(matmul)

}  // namespace dcs

#include <dcs/core/header_end.inl>
