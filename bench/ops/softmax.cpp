// Softmax over the last axis and over an inner one, forward and backward.
#include <dcs/core/philox.hpp>
#include <dcs/ops/softmax/cpu.hpp>

#include <benchmark/benchmark.h>

#include <vector>

using namespace dcs;

namespace {

template <bool Backward>
void softmax(benchmark::State& state) {
  const std::int64_t outer = state.range(0), n = state.range(1), inner = state.range(2);
  const random_stream r{1, 1};
  std::vector<float> x, y(static_cast<std::size_t>(outer * n * inner)), dx(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) x.push_back(static_cast<float>(r.normal(i)));
  cpu::softmax_forward(dcs::cpu::device{}, x.data(), y.data(), outer, n, inner);
  for (auto _ : state) {
    if constexpr (Backward)
      cpu::softmax_backward(dcs::cpu::device{}, y.data(), x.data(), dx.data(), outer, n, inner);
    else
      cpu::softmax_forward(dcs::cpu::device{}, x.data(), y.data(), outer, n, inner);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * outer * n * inner);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"outer", "n", "inner"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  b->Args({4096, 256, 1})->Args({64, 1000, 1})->Args({16384, 4, 1})->Args({16, 64, 256});
}

}  // namespace

BENCHMARK(softmax<false>)->Apply(shapes);
BENCHMARK(softmax<true>)->Apply(shapes);
