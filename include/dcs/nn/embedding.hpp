// The embedding layer: a table of learned rows, looked up by whole numbers.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/module_scope.hpp>
#include <dcs/ops/embedding/embedding.hpp>

DCS_EXACT_MATH
namespace dcs::nn {

/// A table of Count rows of D numbers under torch.nn.Embedding's name and initial values, normal with deviation 1. ids: whole numbers (i64) of any
/// shape<...> on the host, each from 0 to Count − 1; the result is shape<..., D>.
/// PyTorch: torch.nn.Embedding
/// Runs: as gather_rows
template <int Count, int D>
struct embedding {
  parameter<shape<Count, D>, init::normal<1000>> weight;
  DCS_MEMBERS(weight)

  /// The rows in f32 on the host: a tensor of ids means inference, a var of ids training.
  template <operand Ids>
  constexpr auto operator()(const Ids& ids) const {
    const module_scope here(weight);
    using S = shape_t<Ids>;
    if constexpr (any_probe_v<Ids>)
      return dcs::embedding(ids, weight.as(ids));
    else if constexpr (any_var_v<Ids>)
      return dcs::embedding(ids, weight.as(var<float, S>()));
    else
      return dcs::embedding(ids, weight.as(tensor<float, S>()));
  }
  /// The rows with the element type and device of `like`, recorded where it is a var.
  template <operand Ids, operand Like>
  constexpr auto operator()(const Ids& ids, const Like& like) const {
    const module_scope here(weight);
    return dcs::embedding(ids, weight.as(like));
  }
};

}  // namespace dcs::nn

#include <dcs/core/header_end.inl>
