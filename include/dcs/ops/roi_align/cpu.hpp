// RoIAlign (He et al. 2017) on the host, with torchvision's conventions: a sample further than one pixel outside the map adds 0 but counts, one within a
// pixel is clamped; without `aligned`, RoIs are not shifted by half a pixel and are at least 1 × 1. The bilinear weights of a RoI are separable and are
// computed once per axis. Forward, each RoI is a task. Backward, each (map, image, slice of channels) is a task that walks its RoIs in their order: no
// two tasks write one place and the sum does not depend on threads.
#pragma once

#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>

#include <cmath>
#include <vector>

namespace dcs::cpu {

template <class T>
struct roi_sample {
  std::int64_t low, high;
  T w_low, w_high;
  bool inside;
};
/// The samples of a RoI along one axis: `grid` for each of `bins`.
template <class T>
struct roi_axis {
  std::int64_t bins = 0, grid = 0;
  std::vector<roi_sample<T>> samples;

  void set(T begin, T end, T scale, bool aligned, std::int64_t bin_count, std::int64_t sampling, std::int64_t size) {
    const T offset = aligned ? T(0.5) : T(0), start = begin * scale - offset;
    T length = end * scale - offset - start;
    if (!aligned) length = std::max(length, T(1));
    const T bin = length / static_cast<T>(bin_count);
    bins = bin_count;
    grid = sampling > 0 ? sampling : static_cast<std::int64_t>(std::ceil(length / static_cast<T>(bin_count)));
    grid = std::max<std::int64_t>(grid, 0);
    samples.resize(static_cast<std::size_t>(bins * grid));
    for (std::int64_t b = 0; b < bins; ++b)
      for (std::int64_t i = 0; i < grid; ++i) {
        T at = start + static_cast<T>(b) * bin + (static_cast<T>(i) + T(0.5)) * bin / static_cast<T>(grid);
        auto& s = samples[static_cast<std::size_t>(b * grid + i)];
        s.inside = !(at < T(-1) || at > static_cast<T>(size));
        if (!s.inside) continue;
        at = std::max(at, T(0));
        s.low = static_cast<std::int64_t>(at);
        if (s.low >= size - 1) s.low = s.high = size - 1, at = static_cast<T>(s.low);
        else s.high = s.low + 1;
        s.w_high = at - static_cast<T>(s.low), s.w_low = T(1) - s.w_high;
      }
  }
};

/// One feature map of a call: batch × height × width × channels, `scale` map pixels per image pixel.
template <class T>
struct roi_map {
  const T* data;
  T* gradient;
  std::int64_t batch, height, width;
  T scale;
};

struct roi_options {
  double scale = 1;
  int sampling = 2;  // samples per bin and axis; 0: ⌈RoI / bins⌉
  bool aligned = false;
};

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/roi_align/samples.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// out (rois × bins_y × bins_x × channels). rois: image, x1, y1, x2, y2 each; level[i] says which map RoI i reads (null: the first).
template <class T>
void roi_align_forward(const std::vector<roi_map<T>>& maps, std::int64_t channels, const T* rois, const int* level, std::int64_t count, std::int64_t bins_y,
                       std::int64_t bins_x, int sampling, bool aligned, T* out) {
  parallel_for(count, [&](std::int64_t i) {
    const T* r = rois + i * 5;
    const auto& m = maps[static_cast<std::size_t>(level ? level[i] : 0)];
    roi_axis<T> ys, xs;
    xs.set(r[1], r[3], m.scale, aligned, bins_x, sampling, m.width);
    ys.set(r[2], r[4], m.scale, aligned, bins_y, sampling, m.height);
    DCS_DISPATCH(roi_forward, m.data + static_cast<std::int64_t>(r[0]) * m.height * m.width * channels, m.width, channels, ys, xs,
                 out + i * bins_y * bins_x * channels);
  });
}

/// Gradients of the maps, overwritten; maps without `gradient` are passed over.
template <class T>
void roi_align_backward(const std::vector<roi_map<T>>& maps, std::int64_t channels, const T* rois, const int* level, std::int64_t count, std::int64_t bins_y,
                        std::int64_t bins_x, int sampling, bool aligned, const T* dy) {
  const std::int64_t step = 64, slices = (channels + step - 1) / step;
  std::vector<std::pair<std::size_t, std::int64_t>> images;
  for (std::size_t k = 0; k < maps.size(); ++k)
    for (std::int64_t n = 0; maps[k].gradient && n < maps[k].batch; ++n) images.emplace_back(k, n);
  parallel_for(static_cast<std::int64_t>(images.size()) * slices, [&](std::int64_t task) {
    const auto [k, n] = images[static_cast<std::size_t>(task / slices)];
    const auto& m = maps[k];
    const std::int64_t c0 = task % slices * step, c1 = std::min(channels, c0 + step);
    T* image = m.gradient + n * m.height * m.width * channels;
    for (std::int64_t p = 0; p < m.height * m.width; ++p) std::fill(image + p * channels + c0, image + p * channels + c1, T(0));
    roi_axis<T> ys, xs;
    for (std::int64_t i = 0; i < count; ++i) {
      const T* r = rois + i * 5;
      if (static_cast<std::int64_t>(r[0]) != n || (level && static_cast<std::size_t>(level[i]) != k)) continue;
      xs.set(r[1], r[3], m.scale, aligned, bins_x, sampling, m.width);
      ys.set(r[2], r[4], m.scale, aligned, bins_y, sampling, m.height);
      DCS_DISPATCH(roi_backward, image, m.width, channels, c0, c1, ys, xs, dy + i * bins_y * bins_x * channels);
    }
  });
}

}  // namespace dcs::cpu
