// AdamW (Loshchilov & Hutter 2019), with the gradient clipped to a global norm. What it shares with other optimisers is in basic_optimizer.hpp.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/basic_optimizer.hpp>
#include <dcs/optim/rate.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/optim/adamw.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

struct adamw_options {
  double rate = 2e-4, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-4;
  double clip_norm = 1;  // 0: no clipping
  missing_gradients missing = missing_gradients::report;
  std::vector<parameter_group> groups{};  // parameters with numbers of their own; read once, when the optimiser is made

  /// Throws dcs::error where a number is outside its range.
  void check() const {
    detail::expect_option("adamw", "beta1", beta1, beta1 >= 0 && beta1 < 1, "from 0 and below 1");
    detail::expect_option("adamw", "beta2", beta2, beta2 >= 0 && beta2 < 1, "from 0 and below 1");
    detail::expect_option("adamw", "eps", eps, eps >= 0, "from 0");
  }
};

/// The numbers of a step. A parameter p with gradient g and moments m and v moves as
///   m = beta1 · m + (1 - beta1) · g,   v = beta2 · v + (1 - beta2) · g²,   p = (1 - rate · weight_decay) · p - step · m / (root · √v + eps)
/// where step is the rate, and root a factor, with the corrections of the moments' bias.
struct adamw_numbers {
  double beta1, beta2, step, root, eps, rate, weight_decay;

  /// Of step `step`, counted from 1.
  static adamw_numbers of(const adamw_options& o, std::int64_t step) {
    const auto n = static_cast<double>(step);
    return {o.beta1, o.beta2, o.rate / (1 - std::pow(o.beta1, n)), 1 / std::sqrt(1 - std::pow(o.beta2, n)), o.eps, o.rate, o.weight_decay};
  }
  /// Those of a parameter whose groups change them.
  DCS_DEVICE adamw_numbers of_group(const group_numbers& g) const {
    return {beta1, beta2, step * g.rate_scale, root, eps, rate * g.rate_scale, g.decay_of(weight_decay)};
  }
  /// What is left of a parameter by its decay.
  DCS_DEVICE double kept() const { return 1 - rate * weight_decay; }
};

template <class T, class G = T>
using adamw_parameter = optimizer_parameter<T, G, 2>;

namespace cpu {

/// Moves the parameters by their gradients, clipped by what was measured; nothing moves if the norm is not finite.
template <class T, class G>
void move_parameters(device, const std::vector<optimizer_parameter<T, G, 2>>& parameters, const adamw_numbers& common,
                     const optimizer_memory& memory) {
  update_in_chunks(parameters, memory, [&](const optimizer_parameter<T, G, 2>& p, std::int64_t begin, std::int64_t end, T clip) {
    const adamw_numbers o = common.of_group(p.group);
    DCS_DISPATCH(adamw_update, p.value + begin, p.gradient + begin, p.moments[0] + begin, p.moments[1] + begin, end - begin, clip,
                 static_cast<T>(o.beta1), static_cast<T>(o.beta2), static_cast<T>(o.step), static_cast<T>(o.root), static_cast<T>(o.eps),
                 static_cast<T>(o.kept()));
  });
}

// What dcs::compiled has of these (core/compiled.hpp).
#define DCS_ADAMW_ENTRIES(declare, T) \
  declare void move_parameters(device, const std::vector<adamw_parameter<compute_type<T>, T>>&, const adamw_numbers&, const optimizer_memory&);
DCS_MAP_ENTRIES(DCS_ADAMW_ENTRIES)

}  // namespace cpu

/// The rule of AdamW: means of gradients and of their squares.
struct adamw_rule {
  using options_type = adamw_options;
  using numbers_type = adamw_numbers;
  static constexpr const char* name = "adamw";
  static constexpr std::array<moment_description, 2> moments{{{"m", false}, {"v", true}}};
};

/// AdamW on device D; on a GPU by optim/adamw.cuh.
template <class D>
using basic_adamw = basic_optimizer<adamw_rule, D>;
using adamw = basic_adamw<cpu_device>;

}  // namespace dcs

#include <dcs/core/header_end.inl>
