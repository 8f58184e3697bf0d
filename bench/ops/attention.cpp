// Attention at DCSNet's size (256 tokens, 8 heads of 32) and at a longer one, with and without dropout. Counter: FLOP/s of the products.
#include <dcs/ops/attention/cpu.hpp>

#include <benchmark/benchmark.h>

#include <vector>

using namespace dcs;

namespace {

std::vector<float> normals(std::int64_t count, std::uint64_t stream) {
  const random_stream r{1, stream};
  std::vector<float> to;
  for (std::int64_t i = 0; i < count; ++i) to.push_back(static_cast<float>(r.normal(static_cast<std::uint64_t>(i))));
  return to;
}

template <bool Backward>
void attention(benchmark::State& state) {
  const attention_geometry g{
      state.range(0) * state.range(1),           state.range(2), state.range(2), state.range(3), 1 / std::sqrt(static_cast<double>(state.range(3))),
      static_cast<double>(state.range(4)) / 100, {1, 9}};
  const std::int64_t n = g.heads * g.queries * g.depth;
  const auto q = normals(n, 1), k = normals(n, 2), v = normals(n, 3), dy = normals(n, 4);
  scratch<float> o(n), logsum(g.heads * g.queries), dq(n), dk(n), dv(n);
  cpu::attention_forward<float>(dcs::cpu::device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data());
  for (auto _ : state) {
    if constexpr (Backward)
      cpu::attention_backward<float>(dcs::cpu::device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data(), dy.data(), dq.data(), dk.data(),
                                     dv.data());
    else
      cpu::attention_forward<float>(dcs::cpu::device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data());
    benchmark::ClobberMemory();
  }
  const auto products = (Backward ? 10.0 : 4.0) * static_cast<double>(n * g.keys);
  state.counters["flops"] = benchmark::Counter(products, benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"batch", "heads", "tokens", "depth", "dropout%"})->Unit(benchmark::kMillisecond)->UseRealTime();
  b->Args({4, 8, 256, 32, 0})->Args({4, 8, 256, 32, 20})->Args({16, 8, 256, 32, 0})->Args({1, 8, 1360, 32, 0})->Args({4, 8, 256, 64, 0});
}

}  // namespace

BENCHMARK(attention<false>)->Apply(shapes);
BENCHMARK(attention<true>)->Apply(shapes);
