// The seam of a training step: the place between the backward pass and the optimiser, and the place behind the optimiser, where a run may do what is
// neither the network's nor the optimiser's. Gradients are averaged over processes there, or unscaled; averages of weights (optim/ema.hpp) follow
// them there. Clipping is the optimiser's, as it measures the norm anyway.
//
//   struct halved {
//     void gradients(std::span<const named_parameter> parameters) {
//       for_each_gradient<cpu_device>(parameters, [](const named_parameter&, auto* g, extent_t n) { for (extent_t i = 0; i < n; ++i) g[i] *= 0.5f;
//       });
//     }
//     void updated(std::span<const named_parameter>) {}
//   };
//   halved seam;
//   eager_stepper<precision<>, net, adamw, halved> steps(network, optimizer, false, &seam);
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/module.hpp>

#include <span>
#include <tuple>

DCS_EXACT_MATH
namespace dcs {

/// What happens in a step beside backward pass and optimiser. Both are given the parameters that the optimiser may move, in an order that is the same
/// in every step and every process. `gradients` is called when the backward pass has ended, and may change gradients (for_each_gradient) before the
/// optimiser measures, clips and uses them; `updated` is called behind the optimiser.
///
/// On a GPU both launch work on the device's stream. Where a step is captured, so is what `gradients` launches, and the graph repeats it: it must not
/// wait, and what it does must not depend on the step. `updated` is called anew for each step, also for one of which the host learns later that it
/// moved nothing.
template <class S>
concept step_seam = requires(S& s, std::span<const named_parameter> parameters) {
  s.gradients(parameters);
  s.updated(parameters);
};

/// Nothing happens; it costs nothing.
struct no_seam {
  void gradients(std::span<const named_parameter>) const {}
  void updated(std::span<const named_parameter>) const {}
};

/// Several seams, one after the other. They must outlive this object; null pointers are passed over.
template <step_seam... S>
class seams {
 public:
  explicit seams(S*... s) : all_(s...) {}
  void gradients(std::span<const named_parameter> p) {
    std::apply([&](auto*... s) { ((s ? s->gradients(p) : void()), ...); }, all_);
  }
  void updated(std::span<const named_parameter> p) {
    std::apply([&](auto*... s) { ((s ? s->updated(p) : void()), ...); }, all_);
  }

 private:
  std::tuple<S*...> all_;
};

/// body(parameter, elements, count) for every gradient that has arrived at `parameters`, which lie on Device; the elements, of float, double or bf16,
/// may be changed. Parameters without one are passed over; parameter_base::set_gradient gives one. Where a parameter has a condition that is 0
/// (parameter_base::condition), its gradient counts as none: who averages gradients of several processes averages their conditions too.
template <class Device, class Body>
void for_each_gradient(std::span<const named_parameter> parameters, const Body& body) {
  for (const named_parameter& p : parameters) {
    const storage gradient = p.parameter->template own_gradient<Device>();
    if (!gradient) continue;
    if (p.parameter->half() && gradient.bytes() == p.parameter->size() * static_cast<extent_t>(sizeof(bf16)))
      body(p, static_cast<bf16*>(gradient.data()), p.parameter->size());
    else if (p.parameter->type() == dtype::f64)
      body(p, static_cast<double*>(gradient.data()), p.parameter->size());
    else
      body(p, static_cast<float*>(gradient.data()), p.parameter->size());
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
