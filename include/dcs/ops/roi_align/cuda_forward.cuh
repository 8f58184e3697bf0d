// RoIAlign's forward kernel: a block has rows of bins of one RoI, at most 16 bins long, and a group of up to 32 lanes computes one row. It proceeds
// along x and keeps the last even and the last odd column of the map, already summed along y: where bins are smaller than pixels, as in the pyramid's
// crops, a column is read once for all bins that use it.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/roi_align/samples.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Crops of RoIs, from every map, or each RoI from the map that `level` selects; V channels at once.
template <class T, class B, int V>
struct roi_align_forward_kernel {
  static constexpr const char* name = "roi_align_forward";
  static constexpr int threads = 256;
  static constexpr int resident = 3;
  using A = arithmetic_t<T>;
  static constexpr int segment = 16;             // bins of a row that a group computes
  static constexpr int at_once = V > 2 ? 2 : 4;  // pixels of a column that are read before they are summed
  detail::roi_set<B> set;
  detail::roi_level<const T, T> levels[roi_max_maps];
  int maps, channels, lanes;
  int rows;            // of bins of a block
  int y_taps, x_taps;  // capacity for the taps of each axis
  std::int64_t block_count;

  std::int64_t blocks() const { return block_count; }
  std::int64_t shared_bytes() const {
    return (y_taps + x_taps) * static_cast<std::int64_t>(sizeof(detail::roi_tap<A>)) +
           (rows + segment) * static_cast<std::int64_t>(sizeof(detail::roi_range)) + 64;
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const int assigned = detail::roi_level_of(levels, set.level ? 1 : maps, b.block());
    const auto& of = levels[assigned];
    const int segments = ceil_div(of.shape.bins_x, segment), parts = ceil_div(of.shape.bins_y, rows);
    int at = static_cast<int>(b.block()) - of.first_block;
    const int x0 = at % segments * segment, xs = min_of(segment, of.shape.bins_x - x0);
    at /= segments;
    const int y0 = at % parts * rows, ys = min_of(rows, of.shape.bins_y - y0), roi = at / parts;

    std::int64_t l = assigned;
    if (set.level) l = b.global(set.level, "level").read(roi);
    const bool valid_level = l >= 0 && l < maps;
    const auto& from = levels[valid_level ? l : 0];
    detail::roi_axis<A> y_axis, x_axis;
    const int image = set.place(b, roi, from.shape, y_axis, x_axis);
    if (!valid_level || image < 0) y_axis.grid = x_axis.grid = 0;

    const auto taps_y = b.template shared<detail::roi_tap<A>>(y_taps, "taps along y"),
               taps_x = b.template shared<detail::roi_tap<A>>(x_taps, "taps along x");
    const auto bins_y = b.template shared<detail::roi_range>(rows, "bins along y"),
               bins_x = b.template shared<detail::roi_range>(segment, "bins along x");
    DCS_DEVICE_UNROLL_BY(1)
    for (int k = b.thread(); k < ys + xs; k += threads) {
      if (k < ys)
        bins_y.write(k, lay_down(taps_y, y_axis, y0, k, from.shape.height));
      else
        bins_x.write(k - ys, lay_down(taps_x, x_axis, x0, k - ys, from.shape.width));
    }
    b.barrier();

    const auto map = b.global(from.map, "map");
    const auto out = b.global(of.crops, "crops");
    const int chunks = ceil_div(channels, lanes * V), row_of_map = from.shape.width * channels;
    DCS_DEVICE_UNROLL_BY(1)
    for (int unit = b.thread() / lanes; unit < ys * chunks; unit += threads / lanes) {
      const int row = unit / chunks, c = (unit % chunks * lanes + b.thread() % lanes) * V;
      if (c >= channels) continue;
      const std::int64_t origin = static_cast<std::int64_t>(image < 0 ? 0 : image) * from.shape.height * row_of_map + c;
      const std::int64_t to = ((static_cast<std::int64_t>(roi) * of.shape.bins_y + y0 + row) * of.shape.bins_x + x0) * channels + c;
      const detail::roi_range y = bins_y.read(row);
      write_row(out, to, xs, bins_x, taps_x, [&](int column) { return sum_column(map, origin, taps_y, y, column * channels, row_of_map); });
    }
  }

  /// The number of slots for the taps of `bins` bins on a map `size` pixels long. With adaptive sampling the number of a bin's taps is not bounded,
  /// but samples are at most a pixel apart, so that neighbouring bins share at most 2 pixels: the tap at pixel p of the k-th bin can be stored at
  /// slot p + 3k.
  static std::int64_t room(int sampling, std::int64_t bins, std::int64_t size) { return sampling > 0 ? 2 * sampling * bins : size + 3 * bins; }

 private:
  DCS_DEVICE static int min_of(int a, int b) { return a < b ? a : b; }
  // The bins of a row; column_sum(p) is column p of the map, summed along y.
  template <class Out, class Bins, class Taps, class ColumnSum>
  DCS_DEVICE void write_row(const Out& out, std::int64_t to, int xs, const Bins& bins_x, const Taps& taps_x, const ColumnSum& column_sum) const {
    packet<A, V> even, odd;
    int even_at = -1, odd_at = -1;
    DCS_DEVICE_UNROLL_BY(1)
    for (int k = 0; k < xs; ++k, to += channels) {
      const detail::roi_range x = bins_x.read(k);
      packet<A, V> sum;
      DCS_DEVICE_UNROLL_BY(1)
      for (int t = x.begin; t < x.end; ++t) {
        const detail::roi_tap<A> tap = taps_x.read(t);
        if (tap.at % 2 == 0) {
          if (tap.at != even_at) even = column_sum(tap.at), even_at = tap.at;
          add(sum, tap.weight, even);
        } else {
          if (tap.at != odd_at) odd = column_sum(tap.at), odd_at = tap.at;
          add(sum, tap.weight, odd);
        }
      }
      out.write(to, sum);
    }
  }
  DCS_DEVICE static void add(packet<A, V>& sum, A weight, const packet<A, V>& x) {
    DCS_DEVICE_UNROLL
    for (int i = 0; i < V; ++i) sum[i] += weight * x[i];
  }

  template <class Map, class Taps>
  DCS_DEVICE static packet<A, V> sum_column(const Map& map, std::int64_t origin, const Taps& taps, detail::roi_range y, int column, int row_of_map) {
    packet<A, V> sum;
    DCS_DEVICE_UNROLL_BY(1)
    for (int t = y.begin; t < y.end; t += at_once) {
      packet<A, V> x[at_once];
      A weight[at_once];
      DCS_DEVICE_UNROLL
      for (int u = 0; u < at_once; ++u)
        if (t + u < y.end) {
          const detail::roi_tap<A> tap = taps.read(t + u);
          weight[u] = tap.weight;
          x[u] = map.template read<V>(origin + (column + tap.at * row_of_map));
        }
      DCS_DEVICE_UNROLL
      for (int u = 0; u < at_once; ++u)
        if (t + u < y.end) add(sum, weight[u], x[u]);
    }
    return sum;
  }

  // Computes the taps of bin first + k, merging samples at one pixel. Returns their slots.
  template <class Taps>
  DCS_DEVICE detail::roi_range lay_down(const Taps& taps, const detail::roi_axis<A>& axis, int first, int k, int size) const {
    detail::roi_range slots{2 * set.sampling * k, 2 * set.sampling * k};
    const detail::roi_range samples = axis.samples(first + k, -1, size);
    const A share = A(1) / static_cast<A>(axis.grid > 0 ? axis.grid : 1);
    DCS_DEVICE_UNROLL_BY(1)
    for (int i = samples.begin; i < samples.end; ++i) {
      A at;
      if (!axis.sample(first + k, i, size, at)) continue;
      const int low = static_cast<int>(at);
      const A part = at - static_cast<A>(low);
      if (set.sampling <= 0 && slots.begin == slots.end) slots.begin = slots.end = low + 3 * k;
      add_tap(taps, slots, low, (1 - part) * share);
      if (low + 1 < size) add_tap(taps, slots, low + 1, part * share);
    }
    return slots;
  }
  // The samples of a bin are in ascending order, so a pixel that already has a tap is one of the last two.
  template <class Taps>
  DCS_DEVICE static void add_tap(const Taps& taps, detail::roi_range& slots, int at, A weight) {
    for (int s = slots.end - 1; s >= slots.begin && s >= slots.end - 2; --s) {
      const detail::roi_tap<A> before = taps.read(s);
      if (before.at == at) {
        taps.write(s, detail::roi_tap<A>{at, before.weight + weight});
        return;
      }
    }
    taps.write(slots.end++, detail::roi_tap<A>{at, weight});
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
