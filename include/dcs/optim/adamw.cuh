// AdamW on a device; what it shares with other optimisers is in parameters.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/adamw.hpp>
#include <dcs/optim/parameters.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// AdamW of one element, in T.
template <class T>
struct adamw_element {
  T beta1, beta2, step, root, eps, kept;

  DCS_DEVICE explicit adamw_element(const adamw_numbers& n)
      : beta1(static_cast<T>(n.beta1)),
        beta2(static_cast<T>(n.beta2)),
        step(static_cast<T>(n.step)),
        root(static_cast<T>(n.root)),
        eps(static_cast<T>(n.eps)),
        kept(static_cast<T>(n.kept())) {}
  DCS_DEVICE void operator()(T& x, T gradient, T (&m)[2]) const {
    m[0] = m[0] * beta1 + gradient * (1 - beta1), m[1] = m[1] * beta2 + gradient * gradient * (1 - beta2);
    x = x * kept - step * m[0] / (lane::square_root(m[1]) * root + eps);
  }
};

/// Moments and parameters of every chunk. 7 accesses of 16 bytes for each packet.
template <class T, class G>
struct adamw_update_kernel : update_of_chunks<T, G, 2, adamw_numbers, adamw_element<T>> {
  static constexpr const char* name = "adamw_update";
  static constexpr int threads = 256;
};

/// Moves the parameters that were measured last by their gradients, clipped; nothing moves if the norm is not finite.
template <class T, class G, gpu D>
void move_parameters(D, const std::vector<adamw_parameter<T, G>>&, const adamw_numbers& o, const optimizer_memory& memory) {
  launch_update<adamw_update_kernel<T, G>>(D{}, o, memory);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
