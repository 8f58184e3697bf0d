// RoIAlign (He et al. 2017) on the host, with torchvision's conventions: a sample more than one pixel outside the map has the value 0 but is counted
// in the mean, a nearer one is moved to the edge; without `aligned`, RoIs are not shifted by half a pixel and are at least 1 × 1. The bilinear
// weights of a bin are separable, so each axis is a short list of pixels and weights, in which samples that share a pixel are merged: a RoI with
// fewer pixels than bins then costs 4 to 9 reads per bin instead of 16. Forward, a task computes a few rows of bins of a RoI. Backward, each (map,
// image, slice of channels) is a task that visits its RoIs in order: no two tasks write one element, and sums do not depend on threads.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/storage.hpp>
#include <dcs/cpu/half.hpp>
#include <dcs/cpu/parallel.hpp>
#include <dcs/cpu/simd.hpp>

#include <cmath>
#include <vector>

DCS_EXACT_MATH
namespace dcs::cpu {

template <class T>
struct roi_tap {
  std::int64_t at;
  T weight;
};

/// A RoI along one axis: bin b is the sum of taps [first[b], first[b + 1]).
template <class T>
struct roi_axis {
  std::int64_t bins = 0;
  std::vector<roi_tap<T>> taps;
  std::vector<std::int64_t> first;

  /// `sampling` samples for each of `bin_count` bins of [begin, end] · scale in a map of `size` pixels. Throws dcs::error for a RoI of absurd length.
  void set(T begin, T end, T scale, bool aligned, std::int64_t bin_count, std::int64_t sampling, std::int64_t size) {
    const T offset = aligned ? T(0.5) : T(0), start = begin * scale - offset;
    T length = end * scale - offset - start;
    if (!aligned) length = std::max(length, T(1));
    const T bin = length / static_cast<T>(bin_count);
    expect(sampling > 0 || bin < T(1 << 20), "dcs::roi_align: a bin of ", bin, " map pixels; expected fewer than ", 1 << 20);
    // A RoI whose end is before its beginning has no samples, and its bins are 0.
    const std::int64_t grid = sampling > 0 ? sampling : std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(bin)), 0);
    bins = bin_count;
    taps.clear();
    first.assign(1, 0);
    for (std::int64_t b = 0; b < bins; ++b) {
      for (std::int64_t i = 0; i < grid; ++i) {
        T at = start + static_cast<T>(b) * bin + (static_cast<T>(i) + T(0.5)) * bin / static_cast<T>(grid);
        if (at < T(-1) || at > static_cast<T>(size)) continue;
        at = std::min(std::max(at, T(0)), static_cast<T>(size - 1));
        const auto low = static_cast<std::int64_t>(at);
        const T part = at - static_cast<T>(low);
        add(low, (T(1) - part) / static_cast<T>(grid));
        if (low + 1 < size) add(low + 1, part / static_cast<T>(grid));
      }
      first.push_back(static_cast<std::int64_t>(taps.size()));
    }
  }

 private:
  // The samples of a bin are in ascending order, so a pixel that is already in the list is one of the last two.
  void add(std::int64_t at, T weight) {
    for (std::size_t k = taps.size(), end = std::max<std::size_t>(static_cast<std::size_t>(first.back()), k < 2 ? 0 : k - 2); k > end; --k)
      if (taps[k - 1].at == at) {
        taps[k - 1].weight += weight;
        return;
      }
    taps.push_back({at, weight});
  }
};

/// One feature map of a call: batch × height × width × channels, `scale` map pixels per image pixel.
template <class T>
struct roi_map {
  const T* data;
  T* gradient;
  std::int64_t batch, height, width;
  double scale;
};

/// Crops of one map of a call, or their gradient: rois × bins_y × bins_x × channels.
template <class T>
struct roi_crops {
  T* data;
  std::int64_t bins_y, bins_x;
};

/// Axes of a RoI (image, x1, y1, x2, y2) on a map.
template <class T, class B>
void place_roi(const roi_map<T>& m, const B* r, int sampling, bool aligned, std::int64_t bins_y, std::int64_t bins_x, roi_axis<T>& ys,
               roi_axis<T>& xs) {
  const T scale = static_cast<T>(m.scale);
  xs.set(static_cast<T>(r[1]), static_cast<T>(r[3]), scale, aligned, bins_x, sampling, m.width);
  ys.set(static_cast<T>(r[2]), static_cast<T>(r[4]), scale, aligned, bins_y, sampling, m.height);
}

struct roi_options {
  double scale = 1;
  int sampling = 2;  // samples per bin and axis; 0: ⌈RoI / bins⌉
  bool aligned = false;
};

}  // namespace dcs::cpu

#define DCS_KERNELS <dcs/ops/roi_align/samples.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs::cpu {

/// crops[m]: of every RoI from map m; with `level`, crops[0] alone, in which RoI i is cropped from map level[i]. rois: image, x1, y1, x2, y2 each.
template <class T, class B>
void roi_align_forward(device, const std::vector<roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                       std::int64_t count, int sampling, bool aligned, const std::vector<roi_crops<T>>& crops) {
  const std::int64_t rows = 8;
  for (std::size_t l = 0; l < crops.size(); ++l) {
    const auto& crop = crops[l];
    const std::int64_t parts = (crop.bins_y + rows - 1) / rows;
    parallel_for(count * parts, [&](std::int64_t task) {
      const std::int64_t i = task / parts, y0 = task % parts * rows, y1 = std::min(crop.bins_y, y0 + rows);
      const roi_map<T>& m = maps[level ? static_cast<std::size_t>(level[i]) : l];
      roi_axis<T> ys, xs;
      place_roi(m, rois + i * 5, sampling, aligned, crop.bins_y, crop.bins_x, ys, xs);
      DCS_DISPATCH(roi_forward, m.data + static_cast<std::int64_t>(rois[i * 5]) * m.height * m.width * channels, m.width, channels, ys, xs, y0, y1,
                   crop.data + (i * crop.bins_y + y0) * crop.bins_x * channels);
    });
  }
}

/// Gradients of the maps, overwritten; maps without `gradient` are skipped.
template <class T, class B>
void roi_align_backward(device, const std::vector<roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                        std::int64_t count, int sampling, bool aligned, const std::vector<roi_crops<const T>>& dy) {
  const std::int64_t step = 64, slices = (channels + step - 1) / step;
  std::vector<std::pair<std::size_t, std::int64_t>> images;
  for (std::size_t k = 0; k < maps.size(); ++k)
    for (std::int64_t n = 0; maps[k].gradient && n < maps[k].batch; ++n) images.emplace_back(k, n);
  parallel_for(static_cast<std::int64_t>(images.size()) * slices, [&](std::int64_t task) {
    const auto [k, n] = images[static_cast<std::size_t>(task / slices)];
    const auto& m = maps[k];
    const auto& crop = dy[dy.size() == 1 ? 0 : k];
    const std::int64_t c0 = task % slices * step, c1 = std::min(channels, c0 + step);
    T* image = m.gradient + n * m.height * m.width * channels;
    for (std::int64_t p = 0; p < m.height * m.width; ++p) std::fill(image + p * channels + c0, image + p * channels + c1, T(0));
    roi_axis<T> ys, xs;
    for (std::int64_t i = 0; i < count; ++i) {
      if (static_cast<std::int64_t>(rois[i * 5]) != n || (level && static_cast<std::size_t>(level[i]) != k)) continue;
      place_roi(m, rois + i * 5, sampling, aligned, crop.bins_y, crop.bins_x, ys, xs);
      DCS_DISPATCH(roi_backward, image, m.width, channels, c0, c1, ys, xs, crop.data + i * crop.bins_y * crop.bins_x * channels);
    }
  });
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T, class B>
void roi_align_forward(device, const std::vector<roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                       std::int64_t count, int sampling, bool aligned, const std::vector<roi_crops<T>>& crops) {
  std::vector<widened_copy> copies;
  std::vector<rounded_result<T>> results;
  std::vector<roi_map<float>> wide_maps;
  std::vector<roi_crops<float>> wide_crops;
  for (const auto& m : maps) {
    copies.emplace_back(m.data, m.batch * m.height * m.width * channels);
    wide_maps.push_back({copies.back().data(), nullptr, m.batch, m.height, m.width, m.scale});
  }
  for (const auto& c : crops) {
    results.emplace_back(c.data, count * c.bins_y * c.bins_x * channels);
    wide_crops.push_back({results.back().data(), c.bins_y, c.bins_x});
  }
  roi_align_forward<float>(device{}, wide_maps, channels, rois, level, count, sampling, aligned, wide_crops);
  for (const auto& r : results) r.deliver();
}
template <half_number T, class B>
void roi_align_backward(device, const std::vector<roi_map<T>>& maps, std::int64_t channels, const B* rois, const std::int64_t* level,
                        std::int64_t count, int sampling, bool aligned, const std::vector<roi_crops<const T>>& dy) {
  std::vector<widened_copy> copies;
  std::vector<rounded_result<T>> results;
  std::vector<roi_map<float>> wide_maps;
  std::vector<roi_crops<const float>> wide_crops;
  for (const auto& m : maps) {
    results.emplace_back(m.gradient, m.batch * m.height * m.width * channels);
    wide_maps.push_back({nullptr, results.back().data(), m.batch, m.height, m.width, m.scale});
  }
  for (const auto& c : dy) {
    copies.emplace_back(c.data, count * c.bins_y * c.bins_x * channels);
    wide_crops.push_back({copies.back().data(), c.bins_y, c.bins_x});
  }
  roi_align_backward<float>(device{}, wide_maps, channels, rois, level, count, sampling, aligned, wide_crops);
  for (const auto& r : results) r.deliver();
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_ROI_ALIGN_ENTRIES(declare, T)                                                                                                          \
  declare void roi_align_forward(device, const std::vector<roi_map<T>>&, std::int64_t, const compute_type<T>*, const std::int64_t*, std::int64_t,  \
                                 int, bool, const std::vector<roi_crops<T>>&);                                                                     \
  declare void roi_align_backward(device, const std::vector<roi_map<T>>&, std::int64_t, const compute_type<T>*, const std::int64_t*, std::int64_t, \
                                  int, bool, const std::vector<roi_crops<const T>>&);
DCS_MAP_ENTRIES(DCS_ROI_ALIGN_ENTRIES)

}  // namespace dcs::cpu

#include <dcs/core/header_end.inl>
