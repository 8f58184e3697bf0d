// The up-convolutions of a UNet (width 64, at 256², batch 4), the mask head's of Mask R-CNN and a depthwise one, each forward with bias and both
// gradients. Counter: flops, 2 · multiply-adds that have an input.
#include <dcs/core/philox.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

enum class pass { forward, data_gradient, weight_gradient };

void fill(const scratch<float>& to, std::int64_t count, std::uint64_t stream) {
  const random_stream r{1, stream};
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(r.normal(static_cast<std::uint64_t>(i)));
}

// batch, side, in, out, kernel, stride, groups; kernels larger than the stride have the padding and output padding that multiply the side by it
template <pass Pass>
void transposed(benchmark::State& s) {
  const std::int64_t kernel = s.range(4), stride = s.range(5), groups = s.range(6), padding = (kernel - stride + 1) / 2;
  const auto g =
      detail::conv_transpose2d_geometry({s.range(0), s.range(1), s.range(1), s.range(2)}, {kernel, kernel, s.range(3) / groups, s.range(2)}, stride,
                                        padding, stride - kernel + 2 * padding, groups, 1);
  const std::int64_t inputs = g.out_pixels() * g.out_c, outputs = g.in_pixels() * g.in_c;
  scratch<float> x(inputs), w(g.weights()), b(g.in_c), y(outputs);
  fill(x, inputs, 1), fill(w, g.weights(), 2), fill(b, g.in_c, 3), fill(y, outputs, 4);
  for (auto _ : s) {
    if constexpr (Pass == pass::forward) cpu::conv_transpose2d_forward<float>(cpu_device{}, g, x.data(), w.data(), b.data(), y.data());
    if constexpr (Pass == pass::data_gradient) cpu::conv2d_forward<float>(g, y.data(), w.data(), {}, x.data());
    if constexpr (Pass == pass::weight_gradient) cpu::conv2d_weight_gradient<float>(g, y.data(), x.data(), w.data());
    benchmark::ClobberMemory();
  }
  s.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(g.multiply_adds()), benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "side", "in", "out", "kernel", "stride", "groups"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({4, 16, 1024, 512, 2, 2, 1})->Args({4, 32, 512, 256, 2, 2, 1})->Args({4, 64, 256, 128, 2, 2, 1})->Args({4, 128, 128, 64, 2, 2, 1});
  b->Args({100, 14, 256, 256, 2, 2, 1});
  b->Args({4, 32, 128, 128, 3, 2, 1})->Args({4, 64, 64, 64, 3, 1, 1})->Args({4, 64, 128, 128, 3, 2, 128});
}

}  // namespace

BENCHMARK(transposed<pass::forward>)->Apply(shapes);
BENCHMARK(transposed<pass::data_gradient>)->Apply(shapes);
BENCHMARK(transposed<pass::weight_gradient>)->Apply(shapes);
