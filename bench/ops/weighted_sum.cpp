// Pixel-adaptive fusion of four maps of 64 × 64 × 256 (eqs 8 and 9). Counter: bytes that must move.
#include <dcs/core/allocator.hpp>
#include <dcs/ops/weighted_sum/cpu.hpp>

#include <benchmark/benchmark.h>

#include <array>

using namespace dcs;

namespace {

template <bool Backward>
void weighted_sum(benchmark::State& state) {
  constexpr int k = 4;
  const std::int64_t channels = 256, pixels = state.range(0) * 64 * 64, n = pixels * channels;
  scratch<float> maps(k * n), gradients(k * n), out(n), logits(pixels * k), dlogits(pixels * k);
  std::fill(maps.data(), maps.data() + k * n, 1.0f);
  std::fill(gradients.data(), gradients.data() + k * n, 1.0f);
  std::fill(out.data(), out.data() + n, 1.0f);
  for (std::int64_t i = 0; i < pixels * k; ++i) logits[i] = static_cast<float>(i % 7) * 0.3f;
  std::array<const float*, k> in{};
  std::array<float*, k> to{};
  for (int i = 0; i < k; ++i) {
    const auto at = static_cast<std::size_t>(i);
    in[at] = maps.data() + i * n, to[at] = gradients.data() + i * n;
  }
  for (auto _ : state) {
    if constexpr (Backward)
      cpu::weighted_sum_backward<k, float>(dcs::cpu::device{}, logits.data(), in.data(), out.data(), dlogits.data(), to.data(), pixels, channels);
    else
      cpu::weighted_sum_forward<k, float>(dcs::cpu::device{}, logits.data(), in.data(), out.data(), pixels, channels);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sizeof(float)) * n * (Backward ? 2 * k + 1 : k + 1));
}

}  // namespace

BENCHMARK(weighted_sum<false>)->Arg(4)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(weighted_sum<true>)->Arg(4)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();
