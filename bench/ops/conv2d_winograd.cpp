// 3×3 convolutions of DCSNet, Winograd beside direct, forward and both gradients. Counters: GFLOP/s of the definition (2 · 9 · C · K · pixels), which
// Winograd exceeds the machine's by doing a quarter of the multiplications.
#include <dcs/core/philox.hpp>
#include <dcs/ops/conv2d/cpu.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>

using namespace dcs;

namespace {

enum class way { direct, winograd };
enum class pass { forward, data_gradient, weight_gradient };

void fill(const scratch<float>& to, std::int64_t count, std::uint64_t stream) {
  const random_stream r{1, stream};
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(r.normal(static_cast<std::uint64_t>(i)));
}

template <way Way, pass Pass>
void convolution(benchmark::State& state) {
  const cpu::conv2d_geometry g{
      state.range(0), state.range(1), state.range(1), state.range(2), state.range(1), state.range(1), state.range(3), 3, 3, 1, 1, 1, 1};
  const std::int64_t inputs = g.in_pixels() * g.in_c, outputs = g.out_pixels() * g.out_c;
  scratch<float> x(inputs), w(g.weights()), y(outputs);
  fill(x, inputs, 1), fill(w, g.weights(), 2), fill(y, outputs, 3);
  const cpu::epilogue<float> none;
  for (auto _ : state) {
    if constexpr (Way == way::winograd) {
      if constexpr (Pass == pass::forward)
        cpu::winograd_forward(g, x.data(), w.data(), none, y.data());
      else if constexpr (Pass == pass::data_gradient)
        cpu::winograd_data_gradient(g, y.data(), w.data(), x.data());
      else
        cpu::winograd_weight_gradient(g, x.data(), y.data(), w.data());
    } else {
      if constexpr (Pass == pass::forward)
        DCS_DISPATCH(direct_forward, g, x.data(), w.data(), none, y.data());
      else if constexpr (Pass == pass::data_gradient)
        DCS_DISPATCH(direct_data_gradient_dense, g, y.data(), w.data(), x.data());
      else
        DCS_DISPATCH(direct_weight_gradient, g, x.data(), y.data(), w.data());
    }
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(g.multiply_adds()), benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "side", "in", "out"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({4, 64, 256, 256})->Args({4, 64, 64, 64})->Args({4, 32, 128, 128})->Args({4, 16, 256, 256})->Args({4, 8, 512, 512});
  b->Args({4, 64, 1024, 64})->Args({16, 64, 256, 128})->Args({16, 32, 256, 256})->Args({16, 8, 256, 256})->Args({1, 64, 256, 256});
}

}  // namespace

BENCHMARK(convolution<way::winograd, pass::forward>)->Apply(shapes);
BENCHMARK(convolution<way::winograd, pass::data_gradient>)->Apply(shapes);
BENCHMARK(convolution<way::winograd, pass::weight_gradient>)->Apply(shapes);
BENCHMARK(convolution<way::direct, pass::forward>)->Apply(shapes);
BENCHMARK(convolution<way::direct, pass::data_gradient>)->Apply(shapes);
BENCHMARK(convolution<way::direct, pass::weight_gradient>)->Apply(shapes);
