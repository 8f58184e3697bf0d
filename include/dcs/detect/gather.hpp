// Rows of several maps gathered into one matrix: how losses over sampled anchors meet predictions that lie in five levels.
#pragma once

#include <dcs/expr/pointwise.hpp>

namespace dcs {

/// Row `row` of level `level`, where a level's memory is a list of rows.
struct level_row {
  int level;
  extent_t row;
};

/// shape<sample, Width>: row i is `where[i]`. Each map is seen as rows of Width elements. Backward adds to the rows taken.
template <int Width, operand... X>
auto gather_rows(const std::vector<level_row>& where, const X&... x) {
  using First = std::tuple_element_t<0, std::tuple<X...>>;
  using T = value_t<First>;
  using D = device_t<First>;
  using Out = shape<dyn<"sample">, Width>;
  const T* maps[] = {value(x).data()...};
  const extent_t rows[] = {x.size() / Width...};
  auto y = tensor<T, Out, D>::empty({static_cast<extent_t>(where.size()), Width});
  for (std::size_t i = 0; i < where.size(); ++i) {
    const auto [level, row] = where[i];
    expect(level >= 0 && level < static_cast<int>(sizeof...(X)) && row >= 0 && row < rows[level], "dcs::gather_rows: row ", row, " of level ", level,
           "; there is no such row");
    std::copy_n(maps[level] + row * Width, Width, y.data() + static_cast<extent_t>(i) * Width);
  }
  return record(
      std::move(y),
      [where, to = std::make_tuple(std::pair(sink_of(x), x.sizes())...)](const tensor<T, Out, D>& dy) {
        int level = 0;
        auto give = [&]<class S>(const std::pair<sink<T, S, D>, sizes<S::rank>>& target) {
          if (target.first.wanted()) {
            auto dx = tensor<T, S, D>::zeros(target.second);
            for (std::size_t i = 0; i < where.size(); ++i)
              if (where[i].level == level)
                for (int k = 0; k < Width; ++k) dx.data()[where[i].row * Width + k] += dy.data()[static_cast<extent_t>(i) * Width + k];
            target.first.add(std::move(dx));
          }
          ++level;
        };
        std::apply([&](const auto&... target) { (give(target), ...); }, to);
      },
      x...);
}

}  // namespace dcs
