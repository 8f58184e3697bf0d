// Linear layers of DCSNet as matrix products: the box head's (512 proposals of four images) and the Transformer's, forward and both gradients, in
// f32 and in bf16 beside it.
#include <dcs/core/philox.hpp>
#include <dcs/cpu/gemm.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

enum class pass { forward, data_gradient, weight_gradient };

template <class T, pass Pass>
void linear_layer(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  scratch<T> x(rows * in), w(in * out), b(out), y(rows * out);
  const random_stream r{1, 1};
  for (const auto& [to, n] : {std::pair{x.data(), rows * in}, {w.data(), in * out}, {b.data(), out}, {y.data(), rows * out}})
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(static_cast<float>(r.uniform(static_cast<std::uint64_t>(i))) - 0.5f);
  for (auto _ : state) {
    if constexpr (Pass == pass::forward)
      cpu::gemm<T>(rows, out, in, {x.data(), in}, {w.data(), out}, y.data(), out, false, {nullptr, b.data(), nullptr, 0, false});
    if constexpr (Pass == pass::data_gradient) cpu::gemm<T>(rows, in, out, {y.data(), out}, {w.data(), out, true}, x.data(), in);
    if constexpr (Pass == pass::weight_gradient) cpu::gemm<T>(in, out, rows, {x.data(), in, true}, {y.data(), out}, w.data(), out);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(rows * in * out), benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"rows", "in", "out"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({2048, 12544, 1024})
      ->Args({2048, 1024, 1024})
      ->Args({2048, 1024, 8})
      ->Args({1024, 256, 1024})
      ->Args({1024, 1024, 256})
      ->Args({1024, 256, 256});
}

}  // namespace

BENCHMARK(linear_layer<float, pass::forward>)->Apply(shapes);
BENCHMARK(linear_layer<bf16, pass::forward>)->Apply(shapes);
BENCHMARK(linear_layer<float, pass::data_gradient>)->Apply(shapes);
BENCHMARK(linear_layer<bf16, pass::data_gradient>)->Apply(shapes);
BENCHMARK(linear_layer<float, pass::weight_gradient>)->Apply(shapes);
BENCHMARK(linear_layer<bf16, pass::weight_gradient>)->Apply(shapes);
