// SGD with momentum on a device; what it shares with other optimisers is in parameters.cuh.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/parameters.cuh>
#include <dcs/optim/sgd.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// SGD of one element, in T.
template <class T>
struct sgd_element {
  T rate, momentum, decay, ahead, now;

  DCS_DEVICE explicit sgd_element(const sgd_numbers& n)
      : rate(static_cast<T>(n.rate)),
        momentum(static_cast<T>(n.momentum)),
        decay(static_cast<T>(n.decay)),
        ahead(static_cast<T>(n.ahead)),
        now(static_cast<T>(n.now)) {}
  DCS_DEVICE void operator()(T& x, T gradient, T (&velocity)[1]) const {
    const T g = gradient + x * decay;
    velocity[0] = velocity[0] * momentum + g;
    x = x - (velocity[0] * ahead + g * now) * rate;
  }
};

/// Velocities and parameters of every chunk. 5 accesses of 16 bytes for each packet.
template <class T, class G>
struct sgd_update_kernel : update_of_chunks<T, G, 1, sgd_numbers, sgd_element<T>> {
  static constexpr const char* name = "sgd_update";
  static constexpr int threads = 256;
};

/// Moves the parameters that were measured last by their gradients, clipped; nothing moves if the norm is not finite.
template <class T, class G, gpu D>
void move_parameters(D, const std::vector<sgd_parameter<T, G>>&, const sgd_numbers& o, const optimizer_memory& memory) {
  launch_update<sgd_update_kernel<T, G>>(D{}, o, memory);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
