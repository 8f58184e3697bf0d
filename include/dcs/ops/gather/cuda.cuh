// Rows of several maps gathered by a kernel of the block interface, and their gradient without atomics. Where the host chooses the rows, it sorts
// them by source, and a thread adds the gradients of one source row in the order of the samples. Where the device chose the rows, the host cannot
// sort them; each row must then be gathered at most once, so that there is nothing to add, and a row of level -1 is zeros. A thread has up to 16
// bytes of a row.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/ops/gather/gather.hpp>

#include <algorithm>
#include <numeric>

DCS_EXACT_MATH
namespace dcs::cuda {

inline constexpr std::size_t gather_most_maps = 8;

template <class T, int V>
struct gather_rows_forward_kernel {
  static constexpr const char* name = "gather_rows_forward";
  static constexpr int threads = 256;
  device_span<const level_row> where;
  device_span<const T> maps[gather_most_maps];
  device_span<T> out;
  divider packets;  // of a row

  std::int64_t blocks() const { return ceil_div(out.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    if (b.index() * V >= out.size) return;
    std::int64_t i = b.index();
    const std::int64_t column = packets.split(i) * V;
    const level_row from = b.global(where, "where").read(i);
    const auto to = b.global(out, "rows");
    if (from.level < 0)
      to.write(b.index() * V, packet<arithmetic_t<T>, V>{});
    else
      to.write(b.index() * V, b.global(maps[from.level], "map").template read<V>(from.row * packets.divisor() * V + column));
  }
};

/// Row where[i] of dx receives row i of dy; no row occurs twice, and level -1 means no row.
template <class T, int V>
struct scatter_rows_kernel {
  static constexpr const char* name = "scatter_rows";
  static constexpr int threads = 256;
  device_span<const level_row> where;
  device_span<const T> dy;
  device_span<T> dx[gather_most_maps];  // null: not needed
  divider packets;                      // of a row

  std::int64_t blocks() const { return ceil_div(dy.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    if (b.index() * V >= dy.size) return;
    std::int64_t i = b.index();
    const std::int64_t column = packets.split(i) * V;
    const level_row to = b.global(where, "where").read(i);
    if (to.level < 0 || !dx[to.level]) return;
    b.global(dx[to.level], "gradient of a map").write(to.row * packets.divisor() * V + column, b.global(dy, "dy").template read<V>(b.index() * V));
  }
};

namespace detail {
// Row `row` of map `level` was gathered by samples order[begin], …, order[end − 1].
struct gathered_row {
  extent_t row;
  std::int32_t level, begin, end, unused = 0;
};
}  // namespace detail

template <class T, int V>
struct gather_rows_backward_kernel {
  static constexpr const char* name = "gather_rows_backward";
  static constexpr int threads = 256;
  device_span<const detail::gathered_row> gathered;
  device_span<const std::int32_t> order;
  device_span<const T> dy;
  device_span<T> dx[gather_most_maps];
  divider packets;

  std::int64_t blocks() const { return ceil_div(gathered.size * packets.divisor(), std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    std::int64_t i = b.index();
    if (i >= gathered.size * packets.divisor()) return;
    const std::int64_t column = packets.split(i) * V, width = packets.divisor() * V;
    const detail::gathered_row to = b.global(gathered, "gathered rows").read(i);
    const auto samples = b.global(order, "samples");
    const auto gradient = b.global(dy, "dy");
    packet<A, V> sum;
    for (std::int32_t s = to.begin; s < to.end; ++s) {
      const auto g = gradient.template read<V>(samples.read(s) * width + column);
      DCS_DEVICE_UNROLL
      for (int v = 0; v < V; ++v) sum[v] += g[v];
    }
    b.global(dx[to.level], "gradient of a map").write(to.row * width + column, sum);
  }
};

namespace detail {
// The number of elements of each map up to the end of the last row that is gathered.
inline std::vector<std::int64_t> sizes_of_maps(const std::vector<level_row>& where, std::size_t maps, std::int64_t width) {
  expect(maps <= gather_most_maps, "dcs::gather_rows: ", maps, " maps; expected at most ", gather_most_maps);
  std::vector<std::int64_t> size(maps);
  for (const auto& w : where) size[static_cast<std::size_t>(w.level)] = std::max(size[static_cast<std::size_t>(w.level)], (w.row + 1) * width);
  return size;
}
template <class T, class Body>
void with_row_packets(std::int64_t width, const Body& body) {
  constexpr int half = packet_size<T> / 2;
  if (width % packet_size<T> != 0 && half > 1 && width % half == 0)
    body(std::integral_constant<int, half>{});
  else
    with_packets<T>(width, body);
}
}  // namespace detail

template <class T, gpu D>
void gather_rows_forward(D, const std::vector<level_row>& where, const std::vector<const T*>& maps, std::int64_t width, T* out) {
  const auto size = detail::sizes_of_maps(where, maps.size(), width);
  const auto rows = uploaded<D>(where);
  detail::with_row_packets<T>(width, [&](auto v) {
    gather_rows_forward_kernel<T, decltype(v)::value> kernel{
        rows.span(), {}, {out, static_cast<std::int64_t>(where.size()) * width}, divider(width / decltype(v)::value)};
    for (std::size_t l = 0; l < maps.size(); ++l) kernel.maps[l] = {maps[l], size[l]};
    launch(D{}, kernel);
  });
}
/// Gradients that are not needed are null.
template <class T, gpu D>
void gather_rows_backward(D, const std::vector<level_row>& where, const T* dy, const std::vector<T*>& dx, std::int64_t width) {
  const auto size = detail::sizes_of_maps(where, dx.size(), width);
  const auto order = dcs::detail::places_by_source(where, dx);
  std::vector<detail::gathered_row> gathered;
  for (std::size_t s = 0; s < order.size(); ++s) {
    const auto& w = where[static_cast<std::size_t>(order[s])];
    const auto end = static_cast<std::int32_t>(s) + 1;
    if (!gathered.empty() && gathered.back().level == w.level && gathered.back().row == w.row)
      gathered.back().end = end;
    else
      gathered.push_back({w.row, w.level, end - 1, end});
  }
  const auto rows = uploaded<D>(gathered);
  const auto samples = uploaded<D>(order);
  detail::with_row_packets<T>(width, [&](auto v) {
    gather_rows_backward_kernel<T, decltype(v)::value> kernel{
        rows.span(), samples.span(), {dy, static_cast<std::int64_t>(where.size()) * width}, {}, divider(width / decltype(v)::value)};
    for (std::size_t l = 0; l < dx.size(); ++l) kernel.dx[l] = {dx[l], size[l]};
    launch(D{}, kernel);
  });
}

/// Rows chosen on the device: level -1 means no row, and no other row occurs twice.
struct device_rows {
  storage memory;  // level_row[count]
  std::int64_t count = 0;
  device_span<const level_row> span() const { return {static_cast<const level_row*>(memory.data()), count}; }
};

/// shape<sample, Width>: row i is `where[i]`, or zeros where its level is -1. Each map is treated as rows of Width elements. The rows must exist,
/// which is not checked.
template <int Width, operand... X>
auto gather_rows(const device_rows& where, const X&... x) {
  using First = std::tuple_element_t<0, std::tuple<X...>>;
  using T = value_t<First>;
  using D = device_t<First>;
  using Out = shape<dyn<"sample">, Width>;
  static_assert(sizeof...(X) <= gather_most_maps, "dcs::gather_rows: more maps than the kernel knows");
  auto y = tensor<T, Out, D>::empty({where.count, Width});
  detail::with_row_packets<T>(Width, [&](auto v) {
    constexpr int V = decltype(v)::value;
    launch(D{}, gather_rows_forward_kernel<T, V>{where.span(), {{value(x).data(), x.size()}...}, {y.data(), y.size()}, divider(Width / V)});
  });
  return dcs::detail::record_gathered(
      std::move(y),
      [where](const auto& dy, const auto&... dx) {
        detail::with_row_packets<T>(Width, [&](auto v) {
          constexpr int V = decltype(v)::value;
          launch(D{},
                 scatter_rows_kernel<T, V>{where.span(), {dy.data(), dy.size()}, {{dx.data(), dx.defined() ? dx.size() : 0}...}, divider(Width / V)});
        });
      },
      x...);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
