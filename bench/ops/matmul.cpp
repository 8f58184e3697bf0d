// Batched matrix products through the typed op: attention's scores and their product with the values, without recording and with.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/matmul/matmul.hpp>

#include <benchmark/benchmark.h>

using namespace dcs;

namespace {

using tokens = shape<dyn<"batch">, 8, dyn<"tokens">, 32>;

void scores(benchmark::State& state) {
  const auto q = random_normal<float, tokens>({state.range(0), 8, state.range(1), 32}, {1, 1}), k = random_normal<float, tokens>(q.sizes(), {1, 2});
  for (auto _ : state) benchmark::DoNotOptimize(eval(matmul(q, transpose(k))).data());
  state.counters["flops"] = benchmark::Counter(2.0 * static_cast<double>(q.size() * state.range(1)), benchmark::Counter::kIsIterationInvariantRate);
}

void scores_and_gradients(benchmark::State& state) {
  const auto q = random_normal<float, tokens>({state.range(0), 8, state.range(1), 32}, {1, 1}), k = random_normal<float, tokens>(q.sizes(), {1, 2});
  using result = shape<dyn<"batch">, 8, dyn<"tokens">, dyn<"tokens">>;
  const auto dy = random_normal<float, result>({state.range(0), 8, state.range(1), state.range(1)}, {1, 3});
  for (auto _ : state) {
    const auto vq = var<float, tokens>::leaf(q), vk = var<float, tokens>::leaf(k);
    backward(eval(matmul(vq, transpose(vk))), dy);
    benchmark::DoNotOptimize(vq.grad().data());
  }
  state.counters["flops"] = benchmark::Counter(6.0 * static_cast<double>(q.size() * state.range(1)), benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace

BENCHMARK(scores)->ArgNames({"batch", "tokens"})->Args({4, 256})->Args({16, 256})->Args({4, 64})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(scores_and_gradients)->ArgNames({"batch", "tokens"})->Args({4, 256})->Args({16, 256})->Unit(benchmark::kMillisecond)->UseRealTime();
