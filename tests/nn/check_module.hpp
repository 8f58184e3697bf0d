// A module against torch.nn's: entries MODULE/weight/NAME are its state dict, MODULE.0, MODULE.1, … its calls, each as check_op has them and with the
// gradient of every parameter as gradient/NAME.
#pragma once

#include <dcs/nn/layers.hpp>
#include <dcs/nn/state_dict.hpp>

#include "../ops/check_op.hpp"

namespace dcs::test {

/// Loads Net from the file and checks its first `calls` calls at inputs of shapes S. Nothing is dropped.
template <class T, class Net, class... S>
void check_module(const io::safetensors& file, const std::string& module, int calls, const std::array<const char*, sizeof...(S)>& inputs,
                  double bound) {
  Net net;
  initialize<T>(net, 0);
  io::safetensors weights;
  for (const auto& [name, t] : file.tensors)
    if (name.rfind(module + "/weight/", 0) == 0) weights.tensors[name.substr(module.size() + 8)] = t;
  load_state_dict(net, weights);
  const random_scope::off nothing_dropped;
  for (int i = 0; i < calls; ++i) {
    const std::string name = module + "." + std::to_string(i);
    CAPTURE(name);
    clear_gradients(net);
    check_op<T, S...>(
        file, name, inputs, [&](const auto&... x) { return net(x...); }, bound);
    double largest = 0;
    for (const auto& [entry, t] : file.tensors)
      if (entry.rfind(name + "/gradient/", 0) == 0)
        for (const double g : t.template as<double>()) largest = std::max(largest, std::abs(g));
    for (const auto& entry : named_parameters(net)) {
      CAPTURE(entry.name);
      const auto found = to_stored_layout(entry.parameter->description().stored, static_cast<const T*>(entry.parameter->gradient().data()));
      const auto wanted = file.at(name + "/gradient/" + entry.name).template as<double>();
      REQUIRE(found.size() == wanted.size());
      // Element by element, against the largest of all: a gradient may be nothing but rounding.
      for (std::size_t k = 0; k < wanted.size(); ++k) REQUIRE(std::abs(static_cast<double>(found[k]) - wanted[k]) < bound * largest);
    }
  }
}

}  // namespace dcs::test
