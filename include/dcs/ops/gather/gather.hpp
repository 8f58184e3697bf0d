// Rows of several maps gathered into one matrix, as for losses over sampled anchors, whose predictions are in the maps of five levels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/half.hpp>
#include <dcs/expr/pointwise.hpp>

#include <algorithm>

DCS_EXACT_MATH
namespace dcs {

/// Row `row` of level `level`, where the memory of a level is treated as a list of rows.
struct level_row {
  int level;
  extent_t row;
};

namespace detail {
// The places i whose gradient dx[where[i].level] is needed (not null), by the rows that they were gathered from; those of one row in their order.
template <class T>
std::vector<std::int32_t> places_by_source(const std::vector<level_row>& where, const std::vector<T*>& dx) {
  std::vector<std::int32_t> order;
  for (std::size_t i = 0; i < where.size(); ++i)
    if (dx[static_cast<std::size_t>(where[i].level)]) order.push_back(static_cast<std::int32_t>(i));
  const auto at = [&](std::int32_t i) -> const level_row& { return where[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return at(a).level != at(b).level ? at(a).level < at(b).level : at(a).row < at(b).row; });
  return order;
}
}  // namespace detail

namespace cpu {

/// Row i of out, of `width` elements, is where[i] of the maps.
template <class T>
void gather_rows_forward(device, const std::vector<level_row>& where, const std::vector<const T*>& maps, std::int64_t width, T* out) {
  for (std::size_t i = 0; i < where.size(); ++i)
    std::copy_n(maps[static_cast<std::size_t>(where[i].level)] + where[i].row * width, width, out + static_cast<std::int64_t>(i) * width);
}
/// Row where[i] of the gradients dx, which are zeros, receives the sum of the rows i of dy that were gathered from it, in their order; in bf16 the
/// sum is made in float, and rounded once. Gradients that are not needed are null.
template <class T>
void gather_rows_backward(device, const std::vector<level_row>& where, const T* dy, const std::vector<T*>& dx, std::int64_t width) {
  const auto row_of = [&](std::size_t i) { return dx[static_cast<std::size_t>(where[i].level)] + where[i].row * width; };
  if constexpr (half_number<T>) {
    std::vector<float> sum(static_cast<std::size_t>(width));
    const auto order = dcs::detail::places_by_source(where, dx);
    for (std::size_t s = 0; s < order.size();) {
      T* const to = row_of(static_cast<std::size_t>(order[s]));
      std::fill(sum.begin(), sum.end(), 0.0f);
      for (; s < order.size() && row_of(static_cast<std::size_t>(order[s])) == to; ++s)
        for (std::int64_t k = 0; k < width; ++k) sum[static_cast<std::size_t>(k)] += static_cast<float>(dy[order[s] * width + k]);
      round_numbers(sum.data(), width, to);
    }
  } else {
    for (std::size_t i = 0; i < where.size(); ++i)
      if (dx[static_cast<std::size_t>(where[i].level)])
        for (std::int64_t k = 0; k < width; ++k) row_of(i)[k] += dy[static_cast<std::int64_t>(i) * width + k];
  }
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_GATHER_ENTRIES(declare, T)                                                                                     \
  declare void gather_rows_forward(device, const std::vector<level_row>&, const std::vector<const T*>&, std::int64_t, T*); \
  declare void gather_rows_backward(device, const std::vector<level_row>&, const T*, const std::vector<T*>&, std::int64_t);
DCS_MAP_ENTRIES(DCS_GATHER_ENTRIES)

}  // namespace cpu

namespace detail {
// The operand of y, the rows gathered from x...; scatter(dy, dx...) adds the gradient of y to those of the maps, which begin as zeros; a gradient
// that is not needed has no memory.
template <class T, class Out, class D, class Scatter, class... X>
auto record_gathered(tensor<T, Out, D> y, const Scatter& scatter, const X&... x) {
  return record(
      std::move(y),
      [scatter, to = std::make_tuple(std::pair(sink_of(x), x.sizes())...)](const tensor<T, Out, D>& dy) {
        const auto zeros = []<class S>(const std::pair<sink<T, S, D>, sizes<S::rank>>& target) {
          return target.first.wanted() ? tensor<T, S, D>::zeros(target.second) : tensor<T, S, D>();
        };
        std::apply(
            [&](const auto&... target) {
              const auto gradients = std::make_tuple(zeros(target)...);
              std::apply(
                  [&](const auto&... dx) {
                    scatter(dy, dx...);
                    (target.first.add(dx), ...);
                  },
                  gradients);
            },
            to);
      },
      x...);
}
}  // namespace detail

/// shape<sample, Width>: row i is `where[i]`. Each map is treated as rows of Width elements. The backward pass adds to the gathered rows.
/// PyTorch: torch.index_select
template <int Width, operand... X>
auto gather_rows(const std::vector<level_row>& where, const X&... x) {
  using First = std::tuple_element_t<0, std::tuple<X...>>;
  using T = value_t<First>;
  using D = device_t<First>;
  using Out = shape<dyn<"sample">, Width>;
  const extent_t rows[] = {x.size() / Width...};
  for (const auto& [level, row] : where)
    expect(level >= 0 && level < static_cast<int>(sizeof...(X)) && row >= 0 && row < rows[level], "dcs::gather_rows: row ", row, " of level ", level,
           "; there is no such row");
  auto y = tensor_of<Out, First>::empty({static_cast<extent_t>(where.size()), Width});
  gather_rows_forward(D{}, where, std::vector<const T*>{value(x).data()...}, Width, y.data());
  return detail::record_gathered(
      std::move(y), [where](const auto& dy, const auto&... dx) { gather_rows_backward(D{}, where, dy.data(), std::vector<T*>{dx.data()...}, Width); },
      x...);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
