// Pointwise chains, sums over axes and copies as nodes. A chain arrives as a type (call<F, ...>, leaf<I>, constant<I>, expr/chain.hpp) with the
// strides of its leaves over axes that were merged where every leaf allowed it; it is written over the axes of a leaf, so that no reshape is needed,
// and in the order in which that leaf was made, so that a transposition before it moves behind it and cancels with the next one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>
#include <dcs/onnx/device.hpp>

DCS_EXACT_MATH
namespace dcs::onnx {

/// How a pointwise function becomes nodes: for a function of one's own (expr/functions.hpp) a specialisation with
/// `static id write(graph& g, const std::array<id, N>& arguments, const dims& extents, int free)`, the extents and the free axis of the result.
template <class F>
struct function {
  static_assert(!std::is_same_v<F, F>, "dcs::onnx: this pointwise function has no export; try: a specialisation of dcs::onnx::function for it");
  template <std::size_t N>
  static id write(graph&, const std::array<id, N>& arguments, const dims&, int) {
    return arguments[0];  // never runs: so that the sentence above is the only error
  }
};
#define DCS_ONNX_FUNCTION(F, op)                                                                   \
  template <>                                                                                      \
  struct function<functions::F> {                                                                  \
    template <std::size_t N>                                                                       \
    static id write(graph& g, const std::array<id, N>& arguments, const dims& extents, int free) { \
      return g.add(op, std::vector<id>(arguments.begin(), arguments.end()), extents, free);        \
    }                                                                                              \
  };
DCS_ONNX_FUNCTION(add, "Add")
DCS_ONNX_FUNCTION(sub, "Sub")
DCS_ONNX_FUNCTION(mul, "Mul")
DCS_ONNX_FUNCTION(div, "Div")
DCS_ONNX_FUNCTION(neg, "Neg")
DCS_ONNX_FUNCTION(relu, "Relu")
DCS_ONNX_FUNCTION(sigmoid, "Sigmoid")
DCS_ONNX_FUNCTION(exp, "Exp")
DCS_ONNX_FUNCTION(log, "Log")
DCS_ONNX_FUNCTION(sqrt, "Sqrt")
DCS_ONNX_FUNCTION(abs, "Abs")
DCS_ONNX_FUNCTION(tanh, "Tanh")
DCS_ONNX_FUNCTION(maximum, "Max")
DCS_ONNX_FUNCTION(minimum, "Min")
#undef DCS_ONNX_FUNCTION
template <>
struct function<functions::square> {
  static id write(graph& g, const std::array<id, 1>& a, const dims& extents, int free) { return g.add("Mul", {a[0], a[0]}, extents, free); }
};

namespace detail {

/// The extents of a broadcast, aligned at the end, and its free axis.
inline std::pair<dims, int> broadcast(const graph& g, const std::vector<id>& in) {
  std::size_t rank = 0;
  for (const id v : in) rank = std::max(rank, g.extents(v).size());
  dims out(rank, 1);
  int free = -1;
  for (const id v : in) {
    const dims& n = g.extents(v);
    const std::size_t first = rank - n.size();
    for (std::size_t i = 0; i < n.size(); ++i)
      if (n[i] != 1) out[first + i] = n[i];
    if (g[v].free >= 0) free = static_cast<int>(first) + g[v].free;
  }
  for (const id v : in) {
    const dims& n = g.extents(v);
    const std::size_t first = rank - n.size(), axis = static_cast<std::size_t>(std::max(free, 0));
    expect(free < 0 || axis < first || n[axis - first] == 1 || g[v].free == free - static_cast<int>(first), "dcs::onnx: extents ", graph::spelled(n),
           " meet others whose axis ", free, " is free; a value that does not come from the input has not its size");
  }
  return {out, free};
}

/// A node of two operands that broadcast.
inline id binary(graph& g, const char* op, id a, id b) {
  const auto [extents, free] = broadcast(g, {a, b});
  return g.add(op, {a, b}, extents, free, {}, g[a].type);
}
inline id unary(graph& g, const char* op, id a) { return g.add(op, {a}, g.extents(a), g[a].free, {}, g[a].type); }
/// x with elements of another type.
inline id converted(graph& g, id x, element to) {
  return g.add("Cast", {x}, g.extents(x), g[x].free, {attribute::of("to", static_cast<int>(to))}, to);
}
/// A comparison, or a connection of two.
inline id truth(graph& g, const char* op, id a, id b) {
  const auto [extents, free] = broadcast(g, {a, b});
  return g.add(op, {a, b}, extents, free, {}, element::boolean);
}
/// a where the condition holds, else b.
inline id chosen(graph& g, id condition, id a, id b) {
  const auto [extents, free] = broadcast(g, {condition, a, b});
  return g.add("Where", {condition, a, b}, extents, free, {}, g[a].type);
}

template <class Node>
struct chain_writer;
template <int I>
struct chain_writer<expr::leaf<I>> {
  static id write(graph&, const std::vector<id>& leaves, const double*) { return leaves[I]; }
};
template <int I>
struct chain_writer<expr::constant<I>> {
  static id write(graph& g, const std::vector<id>&, const double* constants) { return g.number(constants[I]); }
};
template <class F, class... A>
struct chain_writer<expr::call<F, A...>> {
  static id write(graph& g, const std::vector<id>& leaves, const double* constants) {
    const std::array<id, sizeof...(A)> arguments{chain_writer<A>::write(g, leaves, constants)...};
    const auto [extents, free] = broadcast(g, {arguments.begin(), arguments.end()});
    return function<F>::write(g, arguments, extents, free);
  }
};

// A chain's leaf: its value, and its strides over the merged axes.
struct strided_leaf {
  id value;
  dims strides;
};

// Whether `fine` splits the axes of `coarse`; then where the axes of `coarse` begin in it.
inline bool splits(const dims& fine, const dims& coarse, std::vector<std::size_t>& begin) {
  begin.clear();
  std::size_t i = 0;
  for (const auto e : coarse) {
    begin.push_back(i);
    std::int64_t p = 1;
    while (i < fine.size() && p < e) p *= fine[i++];
    if (p != e) return false;
  }
  while (i < fine.size() && fine[i] == 1) ++i;
  return i == fine.size();
}

// The leaf over the axes `fine`: its extents there, 1 where it repeats.
inline dims leaf_extents(const strided_leaf& l, const dims& fine, const std::vector<std::size_t>& begin) {
  dims n(fine.size(), 1);
  for (std::size_t d = 0; d < begin.size(); ++d) {
    const std::size_t end = d + 1 < begin.size() ? begin[d + 1] : fine.size();
    for (std::size_t i = begin[d]; i < end; ++i)
      if (l.strides[d] != 0) n[i] = fine[i];
  }
  return n;
}

// The axes over which a chain is written: those of a leaf that is as large as the result, else the merged ones; and the order in which it was made.
inline std::pair<dims, dims> axes_of_chain(const graph& g, const std::vector<strided_leaf>& leaves, const dims& merged) {
  std::vector<std::size_t> begin;
  dims best, order;
  for (const auto& l : leaves) {
    const dims& n = g.extents(l.value);
    if (count(n) != count(merged) || !splits(n, merged, begin)) continue;
    const bool turned = g.is_made_by("Transpose", l.value);
    if (best.empty() || (turned && order.empty())) best = n, order = turned ? g.order_of(l.value) : dims();
  }
  if (best.empty()) best = merged;
  if (order.empty())
    for (std::size_t i = 0; i < best.size(); ++i) order.push_back(static_cast<std::int64_t>(i));
  return {best, order};
}

}  // namespace detail

/// The chain Node over leaves as nodes.
template <class Node, class T, int N>
void chain_forward(device, const expr::chain_arguments<T, N>& a) {
  auto& g = tracing::now().graph;
  dims merged(a.outer, a.outer + a.outer_rank);
  merged.push_back(a.columns);
  std::vector<detail::strided_leaf> leaves;
  for (int k = 0; k < N; ++k) {
    dims strides(a.strides[k], a.strides[k] + a.outer_rank);
    strides.push_back(a.columns == 1 ? 0 : a.inner[k]);
    leaves.push_back({at(a.in[k]), std::move(strides)});
  }
  const auto [axes, order] = detail::axes_of_chain(g, leaves, merged);
  std::vector<std::size_t> begin;
  detail::splits(axes, merged, begin);
  std::vector<id> in;
  for (const auto& l : leaves) in.push_back(g.transpose(g.reshape(l.value, detail::leaf_extents(l, axes, begin)), inverse(order)));
  const id made = detail::chain_writer<Node>::write(g, in, a.constants);
  set(a.out, g.transpose(made, order));
}

/// factor · Σ over the axes whose stride in `out` is 0.
template <class T>
void sum_to(device, T* out, std::int64_t, const T* in, const std::int64_t* sizes, int rank, const std::int64_t* out_strides, double factor = 1) {
  auto& g = tracing::now().graph;
  const dims n(sizes, sizes + rank);
  const id x = at(in, n);
  const dims order = g.order_of(x);
  const id source = g.transpose(x, inverse(order));
  dims axes, kept = g.extents(source);
  std::int64_t terms = 1;
  bool free_is_summed = false;
  for (std::size_t i = 0; i < n.size(); ++i) {
    if (out_strides[i] != 0 || n[i] == 1) continue;
    axes.push_back(order[i]), kept[static_cast<std::size_t>(order[i])] = 1, terms *= n[i];
    free_is_summed = free_is_summed || g[x].free == static_cast<int>(i);
  }
  const int free = free_is_summed ? -1 : g[source].free;
  const bool mean = terms > 1 && std::abs(factor * static_cast<double>(terms) - 1) < 1e-9;
  expect(!free_is_summed || mean || factor == 1, "dcs::onnx: a sum over a free axis with a factor that is not its extent's");
  id y = source;
  if (!axes.empty() && mean)
    y = g.add("ReduceMean", {source}, kept, free, {attribute::of("axes", axes), attribute::of("keepdims", 1)});
  else if (!axes.empty())
    y = g.add("ReduceSum", {source, g.list(axes)}, kept, free, {attribute::of("keepdims", 1)});
  if (factor != 1 && !mean) y = g.add("Mul", {y, g.number(factor)}, kept, free);
  set(out, g.transpose(y, order));
}

}  // namespace dcs::onnx

#include <dcs/core/header_end.inl>
