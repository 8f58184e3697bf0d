// Groups of parameters: some of a network's parameters move at another rate, or with another weight decay. A group says by name and kind which
// parameters it means; what groups change is found once, when an optimiser is made, and a step carries it beside each parameter's memory. Groups are
// configuration: a checkpoint does not contain them, and a resumed run is given them again.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/cuda/block.hpp>
#include <dcs/nn/module.hpp>

#include <algorithm>
#include <optional>

DCS_EXACT_MATH
namespace dcs {

/// Parameters by what they are. `norms_and_biases` are those of one axis or none: biases, and the scales and shifts of norms, which by common
/// practice (Loshchilov & Hutter's code, timm, nanoGPT: ndim <= 1) have no weight decay. `weights` are the others: kernels, matrices, embeddings.
enum class parameter_kind { all, norms_and_biases, weights };

/// Parameters that move by numbers of their own: the trained ones whose names begin with `prefix` and that are of `kind`. Like PyTorch's
/// param_groups, but groups may overlap: a parameter's rate is multiplied by the rate_scale of each of its groups, and the last weight_decay among
/// them is its own.
struct parameter_group {
  std::string prefix{};  // "encoder." for the parameters of the member encoder; empty: of every name
  parameter_kind kind = parameter_kind::all;
  double rate_scale = 1;                 // a factor of the optimiser's rate, and so of its schedule; at least 0
  std::optional<double> weight_decay{};  // in place of the optimiser's; at least 0
};

/// The group of a common rule: no weight decay on norms and biases.
inline parameter_group no_decay_of_norms_and_biases() { return {.kind = parameter_kind::norms_and_biases, .weight_decay = 0.0}; }

/// What a parameter's groups change of the numbers of a step.
struct group_numbers {
  double rate_scale = 1;
  double weight_decay = -1;  // below 0: the optimiser's

  DCS_DEVICE double decay_of(double common) const { return weight_decay < 0 ? common : weight_decay; }
};

/// The beginning of the names that the parameters of `part`, a member of `net` somewhere within, have in it: of a network's encoder()
/// "backbone.body.". Throws dcs::error where `part` has no parameters, or they are not those of `net`.
template <module Net, module Part>
std::string prefix_of(Net& net, Part& part) {
  const auto inner = named_parameters(part);
  expect(!inner.empty(), "dcs::prefix_of: the part has no parameters");
  const auto& [name, first] = inner.front();
  for (const named_parameter& p : named_parameters(net))
    if (&*p.parameter == &*first) return p.name.substr(0, p.name.size() - name.size());
  fail("dcs::prefix_of: the part's first parameter, ", name, ", is none of the network's");
}

namespace detail {

inline bool belongs(const named_parameter& p, const parameter_group& g) {
  const bool vector = p.parameter->description().stored.stored_rank <= 1;
  return p.name.starts_with(g.prefix) && (g.kind == parameter_kind::all || vector == (g.kind == parameter_kind::norms_and_biases));
}
inline std::string words_of(const parameter_group& g) {
  const std::string kind = g.kind == parameter_kind::all ? "parameters" : g.kind == parameter_kind::weights ? "weights" : "norms and biases";
  return g.prefix.empty() ? kind : kind + " whose names begin with " + printable(g.prefix);
}
/// What the groups change for each of the trained parameters of `optimizer`. Throws dcs::error for a group that means none of them, and for numbers
/// outside their range.
inline std::vector<group_numbers> numbers_of_groups(const char* optimizer, const std::vector<named_parameter>& parameters,
                                                    const std::vector<parameter_group>& groups) {
  std::vector<group_numbers> all(parameters.size());
  for (const parameter_group& g : groups) {
    const auto range = [&](const char* option, double found) {
      expect(is_finite(found) && found >= 0, "dcs::", optimizer, ": the group of ", words_of(g), " has ", option, " ", found,
             "; expected a number from 0");
    };
    range("rate_scale", g.rate_scale);
    if (g.weight_decay) range("weight_decay", *g.weight_decay);
    bool any = false;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!belongs(parameters[i], g)) continue;
      any = true;
      all[i].rate_scale *= g.rate_scale;
      if (g.weight_decay) all[i].weight_decay = *g.weight_decay;
    }
    std::string names;
    for (std::size_t i = 0; !any && i < std::min<std::size_t>(parameters.size(), 4); ++i) names += (i > 0 ? ", " : "") + parameters[i].name;
    expect(any, "dcs::", optimizer, ": the group of ", words_of(g), " matches none of ", parameters.size(),
           " trained parameters; expected at least one of them: ", names, parameters.size() > 4 ? ", ..." : "");
  }
  return all;
}

}  // namespace detail
}  // namespace dcs

#include <dcs/core/header_end.inl>
