// Attention on the host, by blocks of queries and keys with a running maximum and sum (Milakov & Gimelshein 2018; Dao et al. 2022), so that no L × L
// matrix is stored: the forward pass keeps the logarithm of each row's sum, from which the backward pass recomputes the probabilities. One task is
// one head of one batch element; its products use the register-tiled matrix product.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/storage.hpp>
#include <dcs/cpu/gemm.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/math.hpp>
#include <dcs/cpu/random.hpp>
#include <dcs/ops/attention/geometry.hpp>

#include <limits>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/ops/attention/rows.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

namespace detail {

inline constexpr std::int64_t attention_queries = 128, attention_keys = 256;  // sizes of a block, whose scores then stay in L2

// The mask of a block, 0 or 1 / (1 − dropout): dropped = p · mask, and the gradient of the dropped probabilities, where it is passed, times the mask.
template <class T>
void drop_block(const attention_geometry& g, std::int64_t head, std::int64_t i0, std::int64_t rows, std::int64_t j0, std::int64_t columns, const T* p,
                T* dropped, T* gradient) {
  alignas(64) T mask[attention_keys];
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto index = static_cast<std::uint64_t>((head * g.queries + i0 + i) * g.keys + j0);
    draw_mask(g.random, index, columns, g.dropout, static_cast<T>(1 / (1 - g.dropout)), mask);
    DCS_DISPATCH(attention_drop, mask, columns, p + i * columns, dropped + i * columns, gradient ? gradient + i * columns : nullptr);
  }
}

}  // namespace detail

/// o = dropout(softmax(q · kᵀ · scale)) · v; `logsum` (heads × queries) receives log Σ exp of each row's scores.
template <class T>
void attention_forward(device, const attention_geometry& g, const T* q, const T* k, const T* v, T* o, T* logsum) {
  using detail::attention_keys, detail::attention_queries;
  const std::int64_t blocks = (g.queries + attention_queries - 1) / attention_queries;
  parallel_for(g.heads * blocks, [&](std::int64_t task) {
    const std::int64_t head = task / blocks, i0 = task % blocks * attention_queries, rows = std::min(attention_queries, g.queries - i0);
    const T *kh = k + head * g.keys * g.depth, *vh = v + head * g.keys * g.depth;
    T* out = o + (head * g.queries + i0) * g.depth;
    scratch<T> scores(rows * attention_keys);
    T largest[attention_queries], sum[attention_queries];
    std::fill(largest, largest + rows, -std::numeric_limits<T>::infinity());
    std::fill(sum, sum + rows, T(0));
    std::fill(out, out + rows * g.depth, T(0));
    for (std::int64_t j0 = 0; j0 < g.keys; j0 += attention_keys) {
      const std::int64_t columns = std::min(attention_keys, g.keys - j0);
      gemm<T>(rows, columns, g.depth, {q + (head * g.queries + i0) * g.depth, g.depth}, {kh + j0 * g.depth, g.depth, true}, scores.data(), columns);
      DCS_DISPATCH(attention_softmax_block, scores.data(), rows, columns, static_cast<T>(g.scale), largest, sum, out, g.depth);
      if (g.dropout > 0) detail::drop_block<T>(g, head, i0, rows, j0, columns, scores.data(), scores.data(), nullptr);
      gemm<T>(rows, g.depth, columns, {scores.data(), columns}, {vh + j0 * g.depth, g.depth}, out, g.depth, true);
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      DCS_DISPATCH(attention_scale, out + i * g.depth, g.depth, T(1) / sum[i]);
      logsum[head * g.queries + i0 + i] = largest[i] + std::log(sum[i]);
    }
  });
}

/// dq, dk, dv (overwritten) from `gradient` of o.
template <class T>
void attention_backward(device, const attention_geometry& g, const T* q, const T* k, const T* v, const T* o, const T* logsum, const T* gradient,
                        T* dq, T* dk, T* dv) {
  using detail::attention_keys, detail::attention_queries;
  parallel_for(g.heads, [&](std::int64_t head) {
    const std::int64_t qo = head * g.queries * g.depth, ko = head * g.keys * g.depth;
    std::fill(dq + qo, dq + qo + g.queries * g.depth, T(0));
    std::fill(dk + ko, dk + ko + g.keys * g.depth, T(0));
    std::fill(dv + ko, dv + ko + g.keys * g.depth, T(0));
    scratch<T> p(attention_queries * attention_keys), dp(attention_queries * attention_keys), dropped(attention_queries * attention_keys);
    for (std::int64_t i0 = 0; i0 < g.queries; i0 += attention_queries) {
      const std::int64_t rows = std::min(attention_queries, g.queries - i0), at = qo + i0 * g.depth;
      T delta[attention_queries];  // Σ_j dp · p = Σ_d dO · O, also under dropout
      DCS_DISPATCH(attention_row_products, gradient + at, o + at, rows, g.depth, delta);
      for (std::int64_t j0 = 0; j0 < g.keys; j0 += attention_keys) {
        const std::int64_t columns = std::min(attention_keys, g.keys - j0), kt = ko + j0 * g.depth;
        gemm<T>(rows, columns, g.depth, {q + at, g.depth}, {k + kt, g.depth, true}, p.data(), columns);
        DCS_DISPATCH(attention_probabilities, p.data(), rows, columns, static_cast<T>(g.scale), logsum + head * g.queries + i0);
        gemm<T>(rows, columns, g.depth, {gradient + at, g.depth}, {v + kt, g.depth, true}, dp.data(), columns);
        const T* used = p.data();
        if (g.dropout > 0) {
          detail::drop_block(g, head, i0, rows, j0, columns, p.data(), dropped.data(), dp.data());
          used = dropped.data();
        }
        gemm<T>(columns, g.depth, rows, {used, columns, true}, {gradient + at, g.depth}, dv + kt, g.depth, true);
        DCS_DISPATCH(attention_score_gradient, p.data(), dp.data(), rows, columns, static_cast<T>(g.scale), delta);
        gemm<T>(rows, g.depth, columns, {dp.data(), columns}, {k + kt, g.depth}, dq + at, g.depth, true);
        gemm<T>(columns, g.depth, rows, {dp.data(), columns, true}, {q + at, g.depth}, dk + kt, g.depth, true);
      }
    }
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void attention_forward(device, const attention_geometry& g, const T* q, const T* k, const T* v, T* o, float* logsum) {
  const std::int64_t queries = g.heads * g.queries * g.depth, keys = g.heads * g.keys * g.depth;
  in_float([&](const float* qf, const float* kf, const float* vf, float* of) { attention_forward<float>(device{}, g, qf, kf, vf, of, logsum); },
           reads<T>{q, queries}, reads<T>{k, keys}, reads<T>{v, keys}, writes<T>{o, queries});
}
template <half_number T>
void attention_backward(device, const attention_geometry& g, const T* q, const T* k, const T* v, const T* o, const float* logsum, const T* gradient,
                        T* dq, T* dk, T* dv) {
  const std::int64_t queries = g.heads * g.queries * g.depth, keys = g.heads * g.keys * g.depth;
  in_float([&](const float* qf, const float* kf, const float* vf, const float* of, const float* gf, float* dqf, float* dkf,
               float* dvf) { attention_backward<float>(device{}, g, qf, kf, vf, of, logsum, gf, dqf, dkf, dvf); },
           reads<T>{q, queries}, reads<T>{k, keys}, reads<T>{v, keys}, reads<T>{o, queries}, reads<T>{gradient, queries}, writes<T>{dq, queries},
           writes<T>{dk, keys}, writes<T>{dv, keys});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_ATTENTION_ENTRIES(declare, T)                                                                                                          \
  declare void attention_forward(device, const attention_geometry&, const T*, const T*, const T*, T*, compute_type<T>*);                           \
  declare void attention_backward(device, const attention_geometry&, const T*, const T*, const T*, const T*, const compute_type<T>*, const T*, T*, \
                                  T*, T*);
DCS_MAP_ENTRIES(DCS_ATTENTION_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
