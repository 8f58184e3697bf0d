// RoIAlign's backward kernels, without atomics: the gradient of each pixel is computed by one thread. A first kernel lists the RoIs of every (map,
// image), in order. Then a block has a tile of pixels, 4 wide and as many rows as it has groups of lanes, and a slice of channels; it selects the
// RoIs that overlap the tile from the list, computes their weights in shared memory, a few RoIs at a time, and each group sums 4 pixels of its row in
// registers. Every pixel is written once, zeros too, and the order of a sum is that of RoIs and bins alone.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/ops/roi_align/samples.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// A RoI in the list of a (map, image).
template <class A>
struct roi_entry {
  int roi;
  detail::roi_axis<A> y, x;
};

/// Lists of the RoIs of each (map, image), in their order: a block makes one list, with places for all RoIs.
template <class A, class B>
struct roi_align_lists_kernel {
  static constexpr const char* name = "roi_align_lists";
  static constexpr int threads = 256;
  detail::roi_set<B> set;
  detail::roi_geometry<A> shapes[roi_max_maps];
  int numbers[roi_max_maps];  // the value of `level` for each map
  int maps;
  device_span<roi_entry<A>> entries;
  device_span<int> counts;

  std::int64_t blocks() const { return counts.size; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(int)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    int m = 0, image = static_cast<int>(b.block());
    while (image >= shapes[m].batch) image -= shapes[m++].batch;
    const auto warps = b.template shared<int>(threads / warp_size, "RoIs of warps");
    const auto list = b.global(entries, "entries");
    int found = 0;
    for (int base = 0; base < set.count; base += threads) {
      const int i = base + b.thread();
      roi_entry<A> entry{i, {}, {}};
      bool of_map = i < set.count;
      if (of_map && set.level) of_map = b.global(set.level, "level").read(i) == numbers[m];
      if (of_map) of_map = set.place(b, i, shapes[m], entry.y, entry.x) == image;
      const detail::roi_range place = detail::place_among(b, warps, of_map);
      if (of_map) list.write(b.block() * set.count + found + place.begin, entry);
      found += place.end;
    }
    if (b.thread() == 0) b.global(counts, "counts").write(b.block(), found);
  }
};

/// Gradients of the maps from those of the crops; V channels at once.
template <class T, int V>
struct roi_align_backward_kernel {
  static constexpr const char* name = "roi_align_backward";
  static constexpr int threads = 128;
  static constexpr int resident = 4;
  using A = arithmetic_t<T>;
  static constexpr int strip = 4;                       // pixels of a row that a thread sums
  static constexpr int at_once = V >= 16 ? 1 : 16 / V;  // bins that are read before they are summed
  static constexpr int fewest_lanes = 8;                // a tile then has 16 rows at most
  detail::roi_level<T, const T> levels[roi_max_maps];
  int first_list[roi_max_maps];
  device_span<const roi_entry<A>> entries;
  device_span<const int> counts;
  int maps, rois, channels, lanes;
  int room;  // the number of weights, of the axes of a few RoIs, that fit shared memory
  std::int64_t block_count;

  struct hit {
    int roi;
    detail::roi_axis<A> y_axis, x_axis;
    detail::roi_range y, x;  // bins that may reach the tile
  };

  std::int64_t blocks() const { return block_count; }
  std::int64_t shared_bytes() const {
    return threads * static_cast<std::int64_t>(sizeof(hit)) + room * static_cast<std::int64_t>(sizeof(A)) +
           threads / warp_size * static_cast<std::int64_t>(sizeof(int)) + 32;
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const int l = detail::roi_level_of(levels, maps, b.block());
    const auto& of = levels[l];
    const auto& shape = of.shape;
    const int rows = threads / lanes, across = ceil_div(shape.width, strip), down = ceil_div(shape.height, rows),
              chunks = ceil_div(channels, lanes * V);
    int at = static_cast<int>(b.block()) - of.first_block;
    const int x0 = at % across * strip;
    at /= across;
    const int y0 = at % down * rows;
    at /= down;
    const int c = (at % chunks * lanes + b.thread() % lanes) * V, image = at / chunks, row = b.thread() / lanes;

    const auto hits = b.template shared<hit>(threads, "hits");
    const auto weights = b.template shared<A>(room, "weights");
    const auto warps = b.template shared<int>(threads / warp_size, "hits of warps");
    const auto list = b.global(entries, "entries");
    const auto dy = b.global(of.crops, "gradient of the crops");
    const int weights_of_roi = shape.bins_x * strip + shape.bins_y * rows, batch = room / weights_of_roi;
    const int listed = b.global(counts, "counts").read(first_list[l] + image);

    packet<A, V> sum[strip];
    for (int base = 0; base < listed; base += threads) {
      hit h{};
      bool reaches = base + b.thread() < listed;
      if (reaches) {
        const roi_entry<A> e = list.read((static_cast<std::int64_t>(first_list[l]) + image) * rois + base + b.thread());
        // A sample contributes to pixels less than one pixel away.
        h = {e.roi, e.y, e.x, detail::roi_within(e.y.start, e.y.bin, shape.bins_y, static_cast<A>(y0 - 1), static_cast<A>(y0 + rows)),
             detail::roi_within(e.x.start, e.x.bin, shape.bins_x, static_cast<A>(x0 - 1), static_cast<A>(x0 + strip))};
        reaches = h.y.begin < h.y.end && h.x.begin < h.x.end;
      }
      const detail::roi_range place = detail::place_among(b, warps, reaches);
      if (reaches) hits.write(place.begin, h);
      b.barrier();
      for (int first = 0; first < place.end; first += batch) {
        const int some = place.end - first < batch ? place.end - first : batch;
        for (int k = b.warp(); k < some; k += b.warps()) lay_down(b, weights, hits.read(first + k), shape, k * weights_of_roi, x0, y0, rows);
        b.barrier();
        if (c < channels)
          for (int k = 0; k < some; ++k) gather(dy, weights, hits.read(first + k), shape, k * weights_of_roi, row, rows, channels, c, sum);
        b.barrier();
      }
    }

    if (c >= channels || y0 + row >= shape.height) return;
    const auto gradient = b.global(of.map, "gradient of a map");
    DCS_DEVICE_UNROLL
    for (int p = 0; p < strip; ++p)
      if (x0 + p < shape.width)
        gradient.write(((static_cast<std::int64_t>(image) * shape.height + y0 + row) * shape.width + x0 + p) * channels + c, sum[p]);
  }

 private:
  // Weights are stored in groups of four, which are one access of shared memory (two in double).
  static constexpr int pack = packet_size<A> < strip ? packet_size<A> : strip;
  template <class Weights>
  DCS_DEVICE static packet<A, strip> read_four(const Weights& weights, int at) {
    packet<A, strip> w;
    DCS_DEVICE_UNROLL
    for (int p = 0; p < strip; p += pack) {
      const auto some = weights.template read<pack>(at + p);
      DCS_DEVICE_UNROLL
      for (int i = 0; i < pack; ++i) w[p + i] = some[i];
    }
    return w;
  }

  // The weights of each bin for four pixels along x (bins × 4 pixels), then along y (bins × rows). A warp computes those of one RoI.
  template <class Block, class Weights>
  DCS_DEVICE static void lay_down(Block& b, const Weights& weights, const hit& h, const detail::roi_geometry<A>& shape, int to, int x0, int y0,
                                  int rows) {
    const int nx = h.x.end - h.x.begin, fours = rows / strip, ny = (h.y.end - h.y.begin) * fours;
    for (int i = b.lane(); i < nx + ny; i += warp_size) {
      const bool along_x = i < nx;
      const int k = along_x ? i : (i - nx) / fours, pixel = along_x ? 0 : (i - nx) % fours * strip;
      const auto w =
          along_x ? pixel_weights(h.x_axis, h.x.begin + k, shape.width, x0) : pixel_weights(h.y_axis, h.y.begin + k, shape.height, y0 + pixel);
      const int at = to + (along_x ? k * strip : shape.bins_x * strip + k * rows + pixel);
      DCS_DEVICE_UNROLL
      for (int p = 0; p < strip; p += pack) {
        packet<A, pack> some;
        DCS_DEVICE_UNROLL
        for (int j = 0; j < pack; ++j) some[j] = w[p + j];
        weights.write(at + p, some);
      }
    }
  }
  DCS_DEVICE static packet<A, strip> pixel_weights(const detail::roi_axis<A>& axis, int bin, int size, int pixel) {
    packet<A, strip> w;
    const detail::roi_range samples = axis.samples(bin, pixel - 1, pixel + strip);
    for (int i = samples.begin; i < samples.end; ++i) {
      A at;
      if (!axis.sample(bin, i, size, at)) continue;
      DCS_DEVICE_UNROLL
      for (int p = 0; p < strip; ++p) {
        const A d = at - static_cast<A>(pixel + p), far = d < 0 ? -d : d;
        if (far < 1) w[p] += 1 - far;
      }
    }
    const A share = A(1) / static_cast<A>(axis.grid);
    DCS_DEVICE_UNROLL
    for (int p = 0; p < strip; ++p) w[p] *= share;
    return w;
  }

  template <class Crops, class Weights>
  DCS_DEVICE static void gather(const Crops& dy, const Weights& weights, const hit& h, const detail::roi_geometry<A>& shape, int from, int row,
                                int rows, int channels, int c, packet<A, V>* sum) {
    const int nx = h.x.end - h.x.begin;
    for (int j = h.y.begin; j < h.y.end; ++j) {
      const A wy = weights.read(from + shape.bins_x * strip + (j - h.y.begin) * rows + row);
      if (wy == 0) continue;
      const std::int64_t at = ((static_cast<std::int64_t>(h.roi) * shape.bins_y + j) * shape.bins_x + h.x.begin) * channels + c;
      for (int k = 0; k < nx; k += at_once) {
        packet<A, V> g[at_once];
        DCS_DEVICE_UNROLL
        for (int u = 0; u < at_once; ++u)
          if (k + u < nx) g[u] = dy.template read<V>(at + static_cast<std::int64_t>(k + u) * channels);
        DCS_DEVICE_UNROLL
        for (int u = 0; u < at_once; ++u)
          if (k + u < nx) {
            const auto w = read_four(weights, from + (k + u) * strip);
            DCS_DEVICE_UNROLL
            for (int p = 0; p < strip; ++p) {
              const A weight = wy * w[p];
              DCS_DEVICE_UNROLL
              for (int i = 0; i < V; ++i) sum[p][i] += weight * g[u][i];
            }
          }
      }
    }
  }
};

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
