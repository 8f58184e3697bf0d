// Stochastic gradient descent with momentum (Polyak 1964), which may look ahead (Nesterov 1983; Sutskever et al. 2013), with the gradient clipped to
// a global norm. It is torch.optim.SGD with dampening 0: weight decay is added to the gradient, after clipping.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/basic_optimizer.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/optim/sgd.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

struct sgd_options {
  double rate = 1e-2, momentum = 0.9, weight_decay = 1e-4;
  bool nesterov = false;
  double clip_norm = 1;  // 0: no clipping
  missing_gradients missing = missing_gradients::report;
  std::vector<parameter_group> groups{};  // parameters with numbers of their own; read once, when the optimiser is made

  /// Throws dcs::error where a number is outside its range.
  void check() const {
    detail::expect_option("sgd", "momentum", momentum, momentum >= 0 && momentum < 1, "from 0 and below 1");
    expect(!nesterov || momentum > 0, "dcs::sgd: Nesterov's step looks ahead along the momentum, and momentum is 0; expected one above 0");
  }
};

/// The numbers of a step. A parameter p with gradient g and velocity v moves as
///   g = clip · gradient + decay · p,   v = momentum · v + g,   p = p - rate · (ahead · v + now · g)
/// where (ahead, now) is (1, 0), or (momentum, 1) as Nesterov.
struct sgd_numbers {
  double rate, momentum, decay, ahead, now;

  static sgd_numbers of(const sgd_options& o, std::int64_t) {
    return {o.rate, o.momentum, o.weight_decay, o.nesterov ? o.momentum : 1, o.nesterov ? 1.0 : 0.0};
  }
  /// Those of a parameter whose groups change them.
  DCS_DEVICE sgd_numbers of_group(const group_numbers& g) const { return {rate * g.rate_scale, momentum, g.decay_of(decay), ahead, now}; }
};

template <class T, class G = T>
using sgd_parameter = optimizer_parameter<T, G, 1>;

namespace cpu {

/// Moves the parameters by their gradients, clipped by what was measured; nothing moves if the norm is not finite.
template <class T, class G>
void move_parameters(device, const std::vector<optimizer_parameter<T, G, 1>>& parameters, const sgd_numbers& common, const optimizer_memory& memory) {
  update_in_chunks(parameters, memory, [&](const optimizer_parameter<T, G, 1>& p, std::int64_t begin, std::int64_t end, T clip) {
    const sgd_numbers o = common.of_group(p.group);
    DCS_DISPATCH(sgd_update, p.value + begin, p.gradient + begin, p.moments[0] + begin, end - begin, clip, static_cast<T>(o.rate),
                 static_cast<T>(o.momentum), static_cast<T>(o.decay), static_cast<T>(o.ahead), static_cast<T>(o.now));
  });
}

#define DCS_SGD_ENTRIES(declare, T) \
  declare void move_parameters(device, const std::vector<sgd_parameter<compute_type<T>, T>>&, const sgd_numbers&, const optimizer_memory&);
DCS_MAP_ENTRIES(DCS_SGD_ENTRIES)

}  // namespace cpu

/// The rule of SGD: a velocity, which begins at 0.
struct sgd_rule {
  using options_type = sgd_options;
  using numbers_type = sgd_numbers;
  static constexpr const char* name = "sgd";
  static constexpr std::array<moment_description, 1> moments{{{"momentum", false}}};
};

/// SGD with momentum on device D; on a GPU by optim/sgd.cuh.
template <class D>
using basic_sgd = basic_optimizer<sgd_rule, D>;
using sgd = basic_sgd<cpu_device>;

}  // namespace dcs

#include <dcs/core/header_end.inl>
