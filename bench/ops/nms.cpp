// Non-maximum suppression of proposals, on one thread; most boxes survive a threshold of 0.7, which is the slow case.
#include <dcs/core/philox.hpp>
#include <dcs/ops/nms/nms.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

void suppression(benchmark::State& state) {
  const random_stream r{1, 1};
  const std::int64_t n = state.range(0);
  std::vector<float> boxes, scores;
  std::vector<std::int64_t> level;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 8;
    const float x = r.uniform(at) * 492, y = r.uniform(at + 1) * 492;
    boxes.insert(boxes.end(), {x, y, std::min(512.0f, x + 20 + r.uniform(at + 2) * 80), std::min(512.0f, y + 20 + r.uniform(at + 3) * 80)});
    scores.push_back(r.uniform(at + 4));
    level.push_back(r.below(at + 5, 5));
  }
  for (auto _ : state) benchmark::DoNotOptimize(nms(boxes.data(), scores.data(), n, 0.7f, state.range(1) ? level.data() : nullptr));
}

}  // namespace

BENCHMARK(suppression)->ArgNames({"boxes", "levels"})->Args({2000, 0})->Args({4700, 0})->Args({4700, 1})->Unit(benchmark::kMillisecond);
