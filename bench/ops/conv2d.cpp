// Convolutions of ResNet-50, DCSNet's head and the depthwise ones, batch 4 at 256² (16 regions for the head), each forward and both gradients, as the
// dispatcher runs them, in f32 and in bf16 beside it. Counter: flops by the definition, 2 · multiply-adds. conv2d_winograd.cpp sets the two
// algorithms of 3×3 side by side.
#include <dcs/core/philox.hpp>
#include <dcs/ops/conv2d/cpu.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

enum class pass { forward, data_gradient, weight_gradient };

template <class T>
void fill(const scratch<T>& to, std::int64_t count, std::uint64_t stream) {
  const random_stream r{1, stream};
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(r.normal(static_cast<std::uint64_t>(i)));
}

// batch, side, in, out, kernel, stride, groups
cpu::conv2d_geometry geometry_of(const benchmark::State& s) {
  const std::int64_t kernel = s.range(4), stride = s.range(5), padding = kernel == stride ? 0 : (kernel - 1) / 2;
  const std::int64_t side = (s.range(1) + 2 * padding - kernel) / stride + 1;
  return {s.range(0), s.range(1), s.range(1), s.range(2), side, side, s.range(3), kernel, kernel, stride, padding, 1, s.range(6)};
}

template <class T, pass Pass>
void convolution(benchmark::State& state) {
  const auto g = geometry_of(state);
  const std::int64_t inputs = g.in_pixels() * g.in_c, outputs = g.out_pixels() * g.out_c;
  scratch<T> x(inputs), w(g.weights()), y(outputs);
  fill(x, inputs, 1), fill(w, g.weights(), 2), fill(y, outputs, 3);
  for (auto _ : state) {
    if constexpr (Pass == pass::forward) cpu::conv2d_forward<T>(g, x.data(), w.data(), {}, y.data());
    if constexpr (Pass == pass::data_gradient) cpu::conv2d_data_gradient<T>(g, y.data(), w.data(), x.data());
    if constexpr (Pass == pass::weight_gradient) cpu::conv2d_weight_gradient<T>(g, x.data(), y.data(), w.data());
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(g.multiply_adds()), benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "side", "in", "out", "kernel", "stride", "groups"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({4, 256, 3, 64, 7, 2, 1});                                                                      // stem
  b->Args({4, 64, 64, 256, 1, 1, 1})->Args({4, 64, 256, 64, 1, 1, 1})->Args({4, 64, 256, 256, 1, 1, 1});  // 1 × 1
  b->Args({4, 16, 1024, 256, 1, 1, 1})->Args({4, 16, 256, 1024, 1, 1, 1})->Args({4, 8, 2048, 512, 1, 1, 1});
  b->Args({4, 64, 256, 512, 1, 2, 1})->Args({4, 64, 128, 128, 3, 2, 1})->Args({4, 16, 512, 512, 3, 2, 1});     // strided
  b->Args({16, 64, 256, 256, 8, 8, 1})->Args({16, 32, 256, 256, 4, 4, 1})->Args({16, 16, 256, 256, 2, 2, 1});  // patches
  b->Args({16, 64, 256, 256, 3, 1, 256})->Args({4, 32, 256, 256, 3, 1, 256});                                  // depthwise
  b->Args({4, 64, 256, 12, 1, 1, 1})->Args({16, 64, 64, 4, 1, 1, 1})->Args({16, 64, 128, 1, 1, 1, 1});         // few outputs
  b->Args({4, 64, 256, 256, 3, 1, 1})->Args({4, 64, 64, 64, 3, 1, 1});                                         // 3 × 3
}

}  // namespace

BENCHMARK(convolution<float, pass::forward>)->Apply(shapes);
BENCHMARK(convolution<bf16, pass::forward>)->Apply(shapes);
BENCHMARK(convolution<float, pass::data_gradient>)->Apply(shapes);
BENCHMARK(convolution<bf16, pass::data_gradient>)->Apply(shapes);
BENCHMARK(convolution<float, pass::weight_gradient>)->Apply(shapes);
BENCHMARK(convolution<bf16, pass::weight_gradient>)->Apply(shapes);
