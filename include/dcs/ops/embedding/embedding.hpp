// embedding: rows of a table looked up by whole numbers, as for tokens or classes. It is a gather of rows (ops/gather), whose gradient is summed
// without atomics, in the order of the numbers.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/gather/gather.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
// The row of the table for each id.
template <class S>
std::vector<level_row> rows_of_ids(const tensor<std::int64_t, S>& ids, extent_t count) {
  std::vector<level_row> where;
  where.reserve(static_cast<std::size_t>(ids.size()));
  for (const std::int64_t id : ids.values()) {
    expect(id >= 0 && id < count, "dcs::embedding: id ", id, " at place ", where.size(), " of the ids; expected 0 to ", count - 1,
           ", the rows of the table");
    where.push_back({0, id});
  }
  return where;
}
}  // namespace detail

/// y[..., :] = weight[ids[...], :]. ids: whole numbers (i64) of any shape<...>, which lie on the host, a tensor or a var without a record; weight:
/// shape<Count, D>. The result is shape<..., D>, with weight's elements on its device. An id below 0 or beyond Count − 1 is a dcs::error. In the
/// backward pass a row receives the sum of the gradients of its places, in their order.
/// PyTorch: torch.nn.functional.embedding
/// Runs: as gather_rows
template <operand Ids, operand W>
constexpr auto embedding(const Ids& ids, const W& weight_) {
  using WS = shape_t<W>;
  static_assert(WS::rank == 2 && WS::is_static, "dcs::embedding: the weight must have two axes of static extent, rows and their width");
  using Out = join_shapes<shape_t<Ids>, shape<extent_of<WS, 1>>>;
  if constexpr (any_probe_v<Ids, W>) {
    return probe_result<Out>(eval(weight_));
  } else {
    using T = value_t<W>;
    using D = device_t<W>;
    static_assert(std::is_same_v<value_t<Ids>, std::int64_t> && std::is_same_v<device_t<Ids>, cpu_device>,
                  "dcs::embedding: ids are whole numbers (std::int64_t) on the host");
    constexpr extent_t width = extent_of<WS, 1>;
    const auto weight = eval(weight_);
    const auto where = detail::rows_of_ids(value(ids), extent_of<WS, 0>);
    sizes<Out::rank> n{};
    std::copy_n(ids.sizes().begin(), Out::rank - 1, n.begin());
    n.back() = width;
    auto y = tensor_of<Out, W>::empty(n);
    gather_rows_forward(D{}, where, std::vector<const T*>{value(weight).data()}, width, y.data());
    return detail::record_gathered(
        std::move(y), [where](const auto& dy, const auto& dw) { gather_rows_backward(D{}, where, dy.data(), std::vector<T*>{dw.data()}, width); },
        weight);
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
