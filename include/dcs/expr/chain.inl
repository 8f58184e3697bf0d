// One pass over memory for a whole pointwise expression, forward or backward; see chain.hpp. The expression is a type made of call<F, ...>, leaf<I>
// and constant<I>; every element of the result is computed from the leaves alone, so that the backward pass recomputes intermediate values.
namespace dcs::DCS_ISA {

// Loads memory as vectors of the type that arithmetic is done in; n < lanes at the end of a row.
template <class T, class C = compute_type<T>>
DCS_INLINE vec<C> load_values(const T* p, std::int64_t n) {
  if constexpr (std::is_same_v<T, C>) {
    return n >= lanes<C> ? load(p) : load_part(p, n);
  } else {
    vec<C> v{};
    for (int i = 0; i < lanes<C> && i < n; ++i) v[i] = static_cast<C>(p[i]);
    return v;
  }
}
template <class T, class C = compute_type<T>>
DCS_INLINE void store_values(T* p, vec<C> v, std::int64_t n) {
  if constexpr (std::is_same_v<T, C>) {
    if (n >= lanes<C>)
      store(p, v);
    else
      store_part(p, v, n);
  } else {
    for (int i = 0; i < lanes<C> && i < n; ++i) p[i] = static_cast<T>(static_cast<C>(v[i]));
  }
}

// Leaves of one row at column j: contiguous, repeated or strided.
template <int N, class T, class C>
DCS_INLINE void load_leaves(const expr::chain_arguments<T, N>& a, const T* const* row, std::int64_t j, std::int64_t n, vec<C>* x) {
  DCS_UNROLL
  for (int k = 0; k < N; ++k) {
    if (a.inner[k] == 1)
      x[k] = load_values(row[k] + j, n);
    else if (a.inner[k] == 0)
      x[k] = broadcast(static_cast<C>(row[k][0]));
    else {
      x[k] = vec<C>{};
      for (int i = 0; i < lanes<C> && i < n; ++i) x[k][i] = static_cast<C>(row[k][(j + i) * a.inner[k]]);
    }
  }
}

template <class Node, int N, class T>
DCS_TARGET void chain_forward(const expr::chain_arguments<T, N>& a, std::int64_t row_begin, std::int64_t row_end, std::int64_t begin,
                              std::int64_t end) {
  using C = compute_type<T>;
  vec<C> c[expr::max_constants];
  for (int k = 0; k < expr::max_constants; ++k) c[k] = broadcast(static_cast<C>(a.constants[k]));
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    const T* row[N > 0 ? N : 1];
    a.rows(r, row);
    T* out = a.out + r * a.columns;
    for (std::int64_t j = begin; j < end; j += lanes<C>) {
      vec<C> x[N > 0 ? N : 1];
      load_leaves<N, T, C>(a, row, j, end - j, x);
      store_values<T>(out + j, chain<Node>::value(x, c), end - j);
    }
  }
}

// dx[k] (dense, of the result's sizes) receives the gradient of leaf k and of those that repeat it, unless it is null.
template <class Node, int N, class T>
DCS_TARGET void chain_backward(const expr::chain_arguments<T, N>& a, const T* dy, T* const* dx, std::int64_t row_begin, std::int64_t row_end,
                               std::int64_t begin, std::int64_t end) {
  using C = compute_type<T>;
  vec<C> c[expr::max_constants];
  for (int k = 0; k < expr::max_constants; ++k) c[k] = broadcast(static_cast<C>(a.constants[k]));
  for (std::int64_t r = row_begin; r < row_end; ++r) {
    const T* row[N > 0 ? N : 1];
    a.rows(r, row);
    for (std::int64_t j = begin; j < end; j += lanes<C>) {
      vec<C> x[N > 0 ? N : 1], d[N > 0 ? N : 1];
      load_leaves<N, T, C>(a, row, j, end - j, x);
      DCS_UNROLL
      for (int k = 0; k < N; ++k) d[k] = vec<C>{};
      chain<Node>::spread(load_values(dy + r * a.columns + j, end - j), x, c, d);
      if (N > 1 && a.any_repeats) {
        DCS_UNROLL
        for (int k = 1; k < N; ++k) {
          DCS_UNROLL
          for (int first = 0; first < k; ++first)
            if (a.repeats[k] == first + 1) d[first] += d[k];
        }
      }
      DCS_UNROLL
      for (int k = 0; k < N; ++k)
        if (dx[k]) store_values<T>(dx[k] + r * a.columns + j, d[k], end - j);
    }
  }
}

}  // namespace dcs::DCS_ISA
