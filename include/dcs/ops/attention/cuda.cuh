// Attention on a GPU: chooses the kernel for a shape. Depths of 32 and 64 have kernels of their own, every other depth uses those of cuda_wide.cuh.
// Products of floats have a float's accuracy unless library_options::tf32 allows TF32.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/library_options.hpp>
#include <dcs/ops/attention/cuda_backward.cuh>
#include <dcs/ops/attention/cuda_forward.cuh>
#include <dcs/ops/attention/cuda_wide.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// Calls body with the depth as a constant where there are kernels for it, else with 0.
template <class Body>
void with_depth(std::int64_t depth, const Body& body) {
  if (depth == 32)
    body(std::integral_constant<int, 32>{});
  else if (depth == 64)
    body(std::integral_constant<int, 64>{});
  else
    body(std::integral_constant<int, 0>{});
}

// Calls body with the precision of products. TF32 can be chosen where memory holds floats.
template <class T, class Body>
void with_precision(const Body& body) {
  if constexpr (std::is_same_v<T, float>)
    if (library_options::get().tf32) return body(std::integral_constant<mma_precision, mma_precision::tf32>{});
  body(std::integral_constant<mma_precision, mma_precision::full>{});
}

inline void expect_attention_fits(const attention_geometry& g) {
  constexpr std::int64_t most = 1 << 30;
  expect(g.queries <= most && g.keys <= most && g.depth <= most, "dcs::attention: ", g.queries, " queries, ", g.keys, " keys, depth ", g.depth,
         "; expected at most ", most);
}

// Blocks of 128 queries read keys and values half as often; blocks of 64 are used where there would be too few blocks of 128 to occupy the
// multiprocessors of a GPU.
inline constexpr std::int64_t attention_blocks_of_a_gpu = 2 * 132;

}  // namespace detail

/// o = dropout(softmax(q · kᵀ · scale)) · v; `logsum` (heads × queries) receives log Σ exp of each row's scores.
template <class T, gpu D>
void attention_forward(D, const attention_geometry& g, const T* q, const T* k, const T* v, T* o, arithmetic_t<T>* logsum) {
  using A = arithmetic_t<T>;
  detail::expect_attention_fits(g);
  const detail::attention_problem<A> problem(g);
  const std::int64_t rows = g.heads * g.queries, nq = rows * g.depth, nk = g.heads * g.keys * g.depth;
  detail::with_precision<T>([&](auto precision) {
    constexpr mma_precision P = decltype(precision)::value;
    detail::with_depth(g.depth, [&](auto d) {
      constexpr int depth = decltype(d)::value;
      const auto run = [&]<class Kernel>(const Kernel*) { launch(D{}, Kernel{{q, nq}, {k, nk}, {v, nk}, {o, nq}, {logsum, rows}, problem}); };
      if constexpr (depth != 0) {
        constexpr int most = sizeof(T) == 2 ? 2 : 1;
        if (most == 2 && problem.query_blocks(2 * detail::attention_tile) >= detail::attention_blocks_of_a_gpu)
          run(static_cast<const attention_forward_kernel<T, depth, most, P>*>(nullptr));
        else
          run(static_cast<const attention_forward_kernel<T, depth, 1, P>*>(nullptr));
      } else {
        with_packets<T>(g.depth, [&](auto w) { run(static_cast<const attention_forward_wide_kernel<T, decltype(w)::value, P>*>(nullptr)); });
      }
    });
  });
}

/// dq, dk, dv (overwritten) from the gradient dy of o.
template <class T, gpu D>
void attention_backward(D, const attention_geometry& g, const T* q, const T* k, const T* v, const T* o, const arithmetic_t<T>* logsum, const T* dy,
                        T* dq, T* dk, T* dv) {
  using A = arithmetic_t<T>;
  detail::expect_attention_fits(g);
  const detail::attention_problem<A> problem(g);
  const std::int64_t rows = g.heads * g.queries, nq = rows * g.depth, nk = g.heads * g.keys * g.depth;
  const device_scratch<A, D> delta(rows);
  with_packets<T>(g.depth, [&](auto v_) {
    launch(D{}, attention_delta_kernel<T, decltype(v_)::value>{{o, nq}, {dy, nq}, delta.span(), problem.depth});
  });
  detail::with_precision<T>([&](auto precision) {
    constexpr mma_precision P = decltype(precision)::value;
    detail::with_depth(g.depth, [&](auto d) {
      constexpr int depth = decltype(d)::value;
      const auto run = [&]<class Keys, class Queries>(const Keys*, const Queries*) {
        launch(D{}, Keys{{q, nq}, {k, nk}, {v, nk}, {dy, nq}, {logsum, rows}, delta.span(), {dk, nk}, {dv, nk}, problem});
        launch(D{}, Queries{{q, nq}, {k, nk}, {v, nk}, {dy, nq}, {logsum, rows}, delta.span(), {dq, nq}, problem});
      };
      if constexpr (depth != 0) {
        run(static_cast<const attention_backward_keys_kernel<T, depth, P>*>(nullptr),
            static_cast<const attention_backward_queries_kernel<T, depth, P>*>(nullptr));
      } else {
        with_packets<T>(g.depth, [&](auto w) {
          constexpr int packet = decltype(w)::value;
          run(static_cast<const attention_backward_keys_wide_kernel<T, packet, P>*>(nullptr),
              static_cast<const attention_backward_queries_wide_kernel<T, packet, P>*>(nullptr));
        });
      }
    });
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
