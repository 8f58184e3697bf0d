// Running a pointwise chain over evaluated leaves, without shapes: sizes of the result, the kernels, and the record for the backward pass.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/compiled.hpp>
#include <dcs/expr/half_chain.hpp>
#include <dcs/grad/var.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// A type-erased leaf: memory, record, sizes, and the extents of its type. Where there are no extents, as in an op whose sizes are known, an axis of
// size 1 repeats.
template <class T>
struct chain_leaf {
  untyped<T> value;
  int rank = 0;
  std::int64_t sizes[expr::max_rank] = {};
  std::int64_t count = 1;
  const extent* extents = nullptr;

  bool repeats(int axis) const { return extents ? extents[axis] == 1 : sizes[axis] == 1; }
};
template <class T>
[[gnu::noinline]] void set_leaf(chain_leaf<T>& l, const storage& memory, const slot_ptr& slot, const std::int64_t* sizes, const extent* extents,
                                int rank) {
  l.value.memory = memory, l.value.slot = slot, l.rank = rank, l.extents = extents;
  for (int i = 0; i < rank; ++i) l.count *= l.sizes[i] = sizes[i];
}
template <class T, class X>
void set_leaf(chain_leaf<T>& l, const X& x) {
  if constexpr (any_var_v<X>)
    set_leaf(l, x.value().memory(), x.record(), x.sizes().data(), extents_of<typename X::shape_type>.data(), X::rank);
  else
    set_leaf(l, x.memory(), {}, x.sizes().data(), extents_of<typename X::shape_type>.data(), X::rank);
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_broadcast(int axis, const extent* named, extent_t size, extent_t other) {
  fail("dcs::broadcast: axis ", axis, named ? " (" + to_string(*named) + ")" : std::string(), " is ", size, " in one operand and ", other,
       " in another; equal names are equal sizes: only an extent that the type says is 1 repeats");
}
// Combines the sizes of a leaf into those of the result, which begin as −1; axes are aligned at the end. Static extents have been checked at compile
// time; named ones are checked here.
template <class T>
void broadcast_sizes(std::int64_t* out, int rank, const chain_leaf<T>& l) {
  for (int i = 0; i < l.rank; ++i) {
    if (l.repeats(i)) continue;
    std::int64_t& e = out[rank - l.rank + i];
    if (e == -1) e = l.sizes[i];
    if (e != l.sizes[i]) refuse_broadcast(rank - l.rank + i, l.extents ? l.extents + i : nullptr, l.sizes[i], e);
  }
}
// Strides of a leaf along the axes of the result, 0 where it repeats.
template <class T>
void leaf_strides(const chain_leaf<T>& l, int rank, std::int64_t* strides) {
  std::int64_t step = 1;
  for (int i = 0; i < rank; ++i) strides[i] = 0;
  for (int i = l.rank - 1; i >= 0; --i) {
    strides[rank - l.rank + i] = l.sizes[i] == 1 ? 0 : step;
    step *= l.sizes[i];
  }
}

template <class T, class D>
void deliver(const chain_leaf<T>& l, const std::int64_t* sizes, int rank, std::int64_t full_count, storage full) {
  if (!l.value.wanted()) return;
  if (full_count == l.count) return l.value.template add<D>(std::move(full));
  std::int64_t strides[expr::max_rank];
  leaf_strides(l, rank, strides);
  storage sum = storage::allocate<D>(l.count * static_cast<std::int64_t>(sizeof(T)));
  sum_to(D{}, static_cast<T*>(sum.data()), l.count, static_cast<const T*>(full.data()), sizes, rank, strides);
  full = {};
  l.value.template add<D>(std::move(sum));
}

/// Whether an untyped body over these operands is compiled with its backward pass. Where all are tensors it is left out, with its kernels; but a unit
/// that links the archive (core/compiled.hpp) takes the body that the archive has, with both.
template <class... X>
inline constexpr bool may_record_v = any_var_v<X...> || DCS_LINKS_KERNELS;

// Runs the chain over evaluated leaves: one kernel forward, one backward, however often a value occurs in it. Depends on the expression's form and
// the element type, not on shapes. Recorded: whether a leaf may be a var's.
template <class Form, class T, class D, int N, bool Recorded>
[[gnu::noinline]] untyped<T> run_chain(const double* constants, std::array<chain_leaf<T>, static_cast<std::size_t>(N)>&& leaves, std::int64_t* sizes,
                                       int rank) {
  std::fill(sizes, sizes + rank, -1);
  for (const auto& l : leaves) broadcast_sizes(sizes, rank, l);
  std::replace(sizes, sizes + rank, std::int64_t{-1}, std::int64_t{1});
  expect_inner("dcs::eval", sizes, static_cast<std::size_t>(rank));
  constexpr auto element = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t bytes = checked_product("dcs::eval", sizes, static_cast<std::size_t>(rank), element), total = bytes / element;

  expr::chain_arguments<T, N> a;
  std::int64_t strides[N > 0 ? N : 1][expr::max_rank] = {};
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    a.in[k] = leaves[k].value.data();
    leaf_strides(leaves[k], rank, strides[k]);
  }
  std::copy(constants, constants + expr::max_constants, a.constants);
  a.lay_out(sizes, rank, strides);
  storage out = storage::allocate<D>(bytes);
  a.out = static_cast<T*>(out.data());
  if (total > 0) chain_forward<Form>(D{}, a);

  if constexpr (!Recorded) {
    return {std::move(out), {}};
  } else {
    // The gradients of a value that occurs several times are added within the kernel.
    for (std::size_t k = 1; k < leaves.size(); ++k)
      for (std::size_t first = 0; first < k && a.repeats[k] == 0; ++first)
        if (leaves[k].value.wanted() && leaves[k].value.slot == leaves[first].value.slot && leaves[k].rank == leaves[first].rank &&
            std::equal(leaves[k].sizes, leaves[k].sizes + rank, leaves[first].sizes))
          a.repeats[k] = static_cast<std::int8_t>(first + 1), a.any_repeats = true;

    std::vector<slot_ptr> parents;
    std::array<std::int64_t, expr::max_rank> n{};
    std::copy(sizes, sizes + rank, n.begin());
    for (const auto& l : leaves) parents.push_back(l.value.slot);
    return record_untyped<T>(std::move(out), parents, [a, leaves = std::move(leaves), n, rank, bytes, total](storage dy) {
      std::array<storage, static_cast<std::size_t>(N)> full;
      T* dx[N > 0 ? N : 1];
      for (std::size_t k = 0; k < leaves.size(); ++k) {
        if (leaves[k].value.wanted() && a.repeats[k] == 0) full[k] = storage::allocate<D>(bytes);
        dx[k] = static_cast<T*>(full[k].data());
      }
      if (total > 0) chain_backward<Form>(D{}, a, static_cast<const T*>(dy.data()), dx);
      for (std::size_t k = 0; k < leaves.size(); ++k)
        if (a.repeats[k] == 0) deliver<T, D>(leaves[k], n.data(), rank, total, std::move(full[k]));
    });
  }
}

}  // namespace detail

}  // namespace dcs

#include <dcs/core/header_end.inl>
