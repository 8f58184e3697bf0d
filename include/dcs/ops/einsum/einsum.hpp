// einsum: a sum of products of named axes, einsum<"nlc,mc->nlm">(a, b), checked by the compiler. No kernel of its own: letters that both operands and
// the result have are the batch of a matrix product, letters of one operand and the result its rows or columns, letters that only the operands share
// are summed. An operand in another order of axes is permuted, unless it is the transpose of what the product needs, which the product
// takes as it is. Where nothing is summed over both operands, the result is a pointwise product.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/einsum/letters.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/rearrange/axes.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// x, whose axes are From, with the axes To.
template <class From, char... C, class X>
constexpr auto arranged(letters<C...>, const X& x) {
  if constexpr (std::is_same_v<From, letters<C...>>)
    return x;
  else
    return permute<From::find(C)...>(x);
}
// x summed over its letters C.
template <class From, char... C, class X>
constexpr auto summed(letters<C...>, const X& x) {
  if constexpr (sizeof...(C) == 0)
    return x;
  else
    return squeeze<From::find(C)...>(sum<From::find(C)...>(x));
}

// The shape of stacked matrices: `Batch` axes as they are, the next `Rows` as one, the rest as one. Where a size of several is known at run time
// only, their product has a name of its own.
template <class S, int Batch, int Rows, extent RowsName, extent ColumnsName>
struct matrices_rule {
  static constexpr extent merged(int begin, int end, extent name) {
    extent n = 1;
    for (int i = begin; i < end; ++i) {
      const extent e = S::extents[static_cast<std::size_t>(i)];
      if (is_dynamic(e)) return end - begin == 1 ? e : name;
      n *= e;
    }
    return n;
  }
  static constexpr extent at(std::size_t i) {
    const int axis = static_cast<int>(i);
    return axis < Batch ? S::extents[i] : axis == Batch ? merged(Batch, Batch + Rows, RowsName) : merged(Batch + Rows, S::rank, ColumnsName);
  }
};
template <int Batch, int Rows, extent RowsName, extent ColumnsName, class X>
constexpr auto grouped(const X& x) {
  using Out = typename make_shape<matrices_rule<shape_t<X>, Batch, Rows, RowsName, ColumnsName>, Batch + 2>::self;
  constexpr auto rows = static_cast<std::size_t>(Batch), columns = static_cast<std::size_t>(Batch + Rows);
  sizes<Out::rank> n{};
  for (int i = 0; i < Batch; ++i) n[static_cast<std::size_t>(i)] = x.sizes()[static_cast<std::size_t>(i)];
  n[rows] = product(x.sizes(), rows, columns), n[rows + 1] = product(x.sizes(), columns, shape_t<X>::extents.size());
  return with_axes<Out>(x, n);
}
// x, whose axes are From, as matrices for matmul.
template <class From, class Batch, class Rows, class Columns, extent RowsName, extent ColumnsName, class X>
constexpr auto matrices(const X& x) {
  using wanted = joined_letters<Batch, Rows, Columns>;
  if constexpr (!std::is_same_v<From, wanted> && std::is_same_v<From, joined_letters<Batch, Columns, Rows>>)
    return transpose(grouped<Batch::count, Columns::count, ColumnsName, RowsName>(x));
  else
    return grouped<Batch::count, Rows::count, RowsName, ColumnsName>(arranged<From>(wanted{}, x));
}

// Extents or sizes of the axes C, which are those of a (axes L) where it has them, else of b (axes R), else 1.
template <class E, class L, class R, char... C>
constexpr std::array<E, sizeof...(C)> by_letter(letters<C...>, const auto& a, const auto& b) {
  return {static_cast<E>(L::find(C) >= 0   ? a[static_cast<std::size_t>(L::find(C))]
                         : R::find(C) >= 0 ? b[static_cast<std::size_t>(R::find(C))]
                                           : 1)...};
}
template <class L, class R, class O>
constexpr auto sizes_by_letter(O axes, const auto& a, const auto& b) {
  return by_letter<extent_t, L, R>(axes, a, b);
}
template <class L, class SA, class R, class SB, class O>
struct letters_rule {
  static constexpr auto extents = by_letter<extent, L, R>(O{}, SA::extents, SB::extents);
  static constexpr extent at(std::size_t i) { return extents[i]; }
};
template <class L, class SA, class R, class SB, class O>
using shape_by_letter = typename make_shape<letters_rule<L, SA, R, SB, O>, O::count>::self;

// x with the axes O; those that it lacks are of extent 1.
template <class From, class O, class X>
constexpr auto aligned(const X& x_) {
  using kept = chosen_letters<O, From, true, From, true>;
  const auto x = arranged<From>(kept{}, x_);
  using S = shape_t<decltype(x)>;
  return with_axes<shape_by_letter<kept, S, kept, S, O>>(x, sizes_by_letter<kept, kept>(O{}, x.sizes(), x.sizes()));
}

// The sum of products of two operands, every letter of which is in the other or in the result.
template <class L, class R, class O, class A, class B>
constexpr auto contracted(const A& a, const B& b) {
  using batch = chosen_letters<O, L, true, R, true>;
  using rows = chosen_letters<O, L, true, R, false>;
  using columns = chosen_letters<O, L, false, R, true>;
  using inner = chosen_letters<L, R, true, O, false>;
  if constexpr (inner::count == 0) {
    return eval(aligned<L, O>(a) * aligned<R, O>(b));
  } else if constexpr (rows::count > 0 && columns::count > 0 && O::find(columns::at[0]) < O::find(rows::at[0])) {
    return contracted<R, L, O>(b, a);  // so that the product need not be transposed
  } else {
    constexpr extent row = dyn<"einsum_row">, column = dyn<"einsum_column">, term = dyn<"einsum_term">;
    const auto product = eval(matmul(matrices<L, batch, rows, inner, row, term>(a), matrices<R, batch, inner, columns, term, column>(b)));
    using axes = joined_letters<batch, rows, columns>;
    const auto split = with_axes<shape_by_letter<L, shape_t<A>, R, shape_t<B>, axes>>(product, sizes_by_letter<L, R>(axes{}, a.sizes(), b.sizes()));
    return arranged<axes>(O{}, split);
  }
}

// Where an operand has no elements, the sums are 0, and so are the gradients.
template <class Out, class A, class B>
auto sums_of_nothing(const A& a, const B& b, const sizes<Out::rank>& n) {
  using TA = tensor_of<shape_t<A>, A>;
  using TB = tensor_of<shape_t<B>, B>;
  return record(
      tensor_of<Out, A>::zeros(n),
      [na = a.sizes(), nb = b.sizes(), ga = sink_of(a), gb = sink_of(b)](const tensor_of<Out, A>&) {
        if (ga.wanted()) ga.add(TA::zeros(na));
        if (gb.wanted()) gb.add(TB::zeros(nb));
      },
      a, b);
}

template <class L, class R, class O, class A, class B>
constexpr auto einsum_of_two(const A& a, const B& b) {
  using summed_left = chosen_letters<L, R, false, O, false>;
  using summed_right = chosen_letters<R, L, false, O, false>;
  using left = remaining_letters<L, summed_left>;
  using right = remaining_letters<R, summed_right>;
  if constexpr (!any_probe_v<A, B>) {
    expect_same_names("dcs::einsum", a, b);
    expect_inner("dcs::einsum", a.sizes()), expect_inner("dcs::einsum", b.sizes());
    if (a.size() == 0 || b.size() == 0)
      return sums_of_nothing<shape_by_letter<L, shape_t<A>, R, shape_t<B>, O>>(a, b, sizes_by_letter<L, R>(O{}, a.sizes(), b.sizes()));
  }
  return contracted<left, right, O>(summed<L>(summed_left{}, a), summed<R>(summed_right{}, b));
}

}  // namespace detail

/// A sum of products of named axes, as torch.einsum: einsum<"nlc,mc->nlm">(a, b) is y[n, l, m] = Σ_c a[n, l, c] · b[m, c]. Every axis of an operand
/// has a letter, once; letters behind the arrow are the axes of the result, all others are summed. Equal letters are equal extents. At most 8 axes
/// each. Where one operand is empty, the sums are 0.
template <detail::fixed_string Equation, operand A, operand B>
constexpr auto einsum(const A& a, const B& b) {
  using terms = detail::einsum_terms<Equation, 2>;
  using L = typename terms::template term<0>;
  using R = typename terms::template term<1>;
  using O = typename terms::template term<2>;
  static_assert(std::is_same_v<value_t<A>, value_t<B>>, "dcs::einsum: the operands must have one element type; cast<T>(x) converts");
  detail::check_einsum_operand<0, shape_t<A>>(L{});
  detail::check_einsum_operand<1, shape_t<B>>(R{});
  detail::check_einsum_extents<shape_t<A>, L, shape_t<B>, R>(L{});
  detail::check_einsum_result<detail::joined_letters<L, R>>(O{});
  return detail::einsum_of_two<L, R, O>(eval(a), eval(b));
}

/// The same of one operand: einsum<"ijk->ki">(x) permutes and sums.
template <detail::fixed_string Equation, operand X>
constexpr auto einsum(const X& x) {
  using terms = detail::einsum_terms<Equation, 1>;
  using L = typename terms::template term<0>;
  using O = typename terms::template term<2>;
  detail::check_einsum_operand<0, shape_t<X>>(L{});
  detail::check_einsum_result<L>(O{});
  using dropped = detail::chosen_letters<L, O, false, O, false>;
  return detail::arranged<detail::remaining_letters<L, dropped>>(O{}, detail::summed<L>(dropped{}, eval(x)));
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
