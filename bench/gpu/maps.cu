// Ops on feature maps: RoIAlign for the box head and for the crops of the segmentation head, and the softmax-weighted sum of four
// maps.
#include "measure.cuh"

#include <dcs/ops/roi_align/cuda.cuh>
#include <dcs/ops/weighted_sum/cuda.cuh>

namespace gpu_bench {

namespace {

// RoIs of images 0 to 3 of 256 × 256 pixels with sides from `low` to `high`; peer.py has the same.
std::vector<float> some_rois(int count, int low, int high) {
  std::vector<float> r;
  for (int i = 0; i < count; ++i) {
    const int w = low + i * 53 % (high - low + 1), h = low + i * 31 % (high - low + 1), x = i * 37 % (256 - w), y = i * 71 % (256 - h);
    for (int v : {i % 4, x, y, x + w, y + h}) r.push_back(static_cast<float>(v));
  }
  return r;
}

template <class T>
struct pyramid {
  std::vector<buffer<T>> maps, gradients;
  std::vector<dcs::cpu::roi_map<T>> list;
  double bytes = 0;

  pyramid() {
    for (std::int64_t side = 64; side >= 8; side /= 2) {
      maps.emplace_back(4 * side * side * 256), gradients.emplace_back(4 * side * side * 256);
      list.push_back({maps.back().data(), gradients.back().data(), 4, side, side, static_cast<double>(side) / 256});
      bytes += static_cast<double>(maps.back().bytes());
    }
  }
};

template <class T>
void pooled_boxes(meter& m) {
  const int count = 2048;
  const pyramid<T> p;
  const buffer<float> rois(some_rois(count, 16, 112));
  std::vector<std::int64_t> levels;
  for (int i = 0; i < count; ++i) levels.push_back(i / 4 % 4);
  const buffer<std::int64_t> level(levels);
  const buffer<T> out(count * 7 * 7 * 256);
  const double bytes = p.bytes + static_cast<double>(out.bytes());
  m.run<T>("roi_align_boxes_forward", bytes, 0, [&] {
    dcs::cuda::roi_align_forward<T>(device{}, p.list, 256, rois.data(), level.data(), count, 2, false, {{out.data(), 7, 7}});
  });
  m.run<T>("roi_align_boxes_backward", bytes, 0, [&] {
    dcs::cuda::roi_align_backward<T>(device{}, p.list, 256, rois.data(), level.data(), count, 2, false, {{out.data(), 7, 7}});
  });
}

template <class T>
void crops(meter& m) {
  const int count = 16;
  const pyramid<T> p;
  const buffer<float> rois(some_rois(count, 20, 80));
  std::vector<buffer<T>> out;
  std::vector<dcs::cpu::roi_crops<T>> list;
  std::vector<dcs::cpu::roi_crops<const T>> gradients;
  double bytes = p.bytes;
  for (std::int64_t bins = 64; bins >= 8; bins /= 2) {
    out.emplace_back(count * bins * bins * 256);
    list.push_back({out.back().data(), bins, bins}), gradients.push_back({out.back().data(), bins, bins});
    bytes += static_cast<double>(out.back().bytes());
  }
  m.run<T>("roi_align_crops_forward", bytes, 0,
           [&] { dcs::cuda::roi_align_forward<T>(device{}, p.list, 256, rois.data(), nullptr, count, 2, false, list); });
  m.run<T>("roi_align_crops_backward", bytes, 0,
           [&] { dcs::cuda::roi_align_backward<T>(device{}, p.list, 256, rois.data(), nullptr, count, 2, false, gradients); });
}

template <class T>
void fusion(meter& m) {
  const std::int64_t pixels = 16 * 64 * 64, channels = 256;
  const buffer<T> logits(pixels * 4), dlogits(pixels * 4), out(pixels * channels);
  std::vector<buffer<T>> own, gradients;
  for (int k = 0; k < 4; ++k) own.emplace_back(pixels * channels), gradients.emplace_back(pixels * channels);
  const T* in[4];
  T* to[4];
  for (std::size_t k = 0; k < 4; ++k) in[k] = own[k].data(), to[k] = gradients[k].data();
  const double map = static_cast<double>(out.bytes()), small = static_cast<double>(logits.bytes());
  m.run<T>("fusion_forward", 5 * map + small, 0,
           [&] { dcs::cuda::weighted_sum_forward<4, T>(device{}, logits.data(), in, out.data(), pixels, channels); });
  m.run<T>("fusion_backward", 9 * map + 2 * small, 0,
           [&] { dcs::cuda::weighted_sum_backward<4, T>(device{}, logits.data(), in, out.data(), dlogits.data(), to, pixels, channels); });
}

template <class T>
void cases(meter& m) {
  pooled_boxes<T>(m);
  crops<T>(m);
  fusion<T>(m);
}

}  // namespace

void map_cases(meter& m) { cases<float>(m), cases<dcs::bf16>(m); }

}  // namespace gpu_bench
