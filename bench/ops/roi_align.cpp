// RoIAlign as the network calls it: many RoIs in 7 × 7 bins (the box head) and few in 64 × 64 (the crops of the segmentation head).
#include <dcs/core/allocator.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/ops/roi_align/cpu.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

template <bool Backward>
void roi_align(benchmark::State& state) {
  const std::int64_t batch = 4, side = 64, channels = 256, count = state.range(0), bins = state.range(1);
  const random_stream r{1, 1};
  scratch<float> map(batch * side * side * channels), out(count * bins * bins * channels), rois(count * 5);
  std::fill(map.data(), map.data() + batch * side * side * channels, 1.0f);
  std::fill(out.data(), out.data() + count * bins * bins * channels, 1.0f);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 8;
    const auto low = static_cast<float>(state.range(2)), high = static_cast<float>(state.range(3));
    float* b = rois.data() + i * 5;
    b[0] = static_cast<float>(r.below(at, 4));
    b[1] = r.uniform(at + 1) * (256 - low), b[2] = r.uniform(at + 2) * (256 - low);
    b[3] = std::min(256.0f, b[1] + low + r.uniform(at + 3) * (high - low)), b[4] = std::min(256.0f, b[2] + low + r.uniform(at + 4) * (high - low));
  }
  const std::vector<cpu::roi_map<float>> maps{{map.data(), map.data(), batch, side, side, 0.25}};
  for (auto _ : state) {
    if constexpr (Backward)
      cpu::roi_align_backward<float>(cpu_device{}, maps, channels, rois.data(), nullptr, count, 2, false, {{out.data(), bins, bins}});
    else
      cpu::roi_align_forward<float>(cpu_device{}, maps, channels, rois.data(), nullptr, count, 2, false, {{out.data(), bins, bins}});
    benchmark::ClobberMemory();
  }
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rois", "bins", "smallest", "largest"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({2048, 7, 16, 112})->Args({4, 64, 20, 80})->Args({16, 64, 20, 80});
}

}  // namespace

BENCHMARK(roi_align<false>)->Apply(shapes);
BENCHMARK(roi_align<true>)->Apply(shapes);
