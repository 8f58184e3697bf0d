// How the files beside this one time an op as a network calls it: on tensors (forward), and on leaves of a tape (training: forward and backward).
#pragma once

#include <dcs/expr/gradcheck.hpp>

#include <benchmark/benchmark.h>

enum class pass { forward, training };

template <class T, class S>
auto leaf(const dcs::tensor<T, S>& x) {
  return dcs::var<T, S>::leaf(x);
}

/// Times f over operands of shapes S. Counter: bytes of inputs and result, once for the forward pass and once more for the backward pass: the least
/// that must move.
template <pass Pass, class... S, class F>
void measure(benchmark::State& state, const F& f) {
  std::uint64_t seed = 0;
  const auto draw = [&]<class One>(One) { return dcs::random_normal<float, One>(One::extents, dcs::random_stream{1, ++seed}); };
  const std::tuple<dcs::tensor<float, S>...> inputs{draw(S())...};
  const auto result = std::apply([&](const auto&... x) { return dcs::eval(f(x...)); }, inputs);
  using Result = dcs::value_t<decltype(result)>;
  const auto gradient = dcs::tensor<Result, dcs::shape_t<decltype(result)>>::full(result.sizes(), static_cast<Result>(1.0f));
  std::int64_t bytes = result.bytes();
  std::apply([&](const auto&... x) { bytes += (0 + ... + x.bytes()); }, inputs);
  const auto once = [&](const auto&... x) {
    if constexpr (Pass == pass::forward)
      benchmark::DoNotOptimize(dcs::eval(f(x...)).data());
    else
      dcs::backward(dcs::eval(f(leaf(x)...)), gradient);
  };
  std::apply(once, inputs);  // memory that is new costs more than most ops
  for (auto _ : state) {
    std::apply(once, inputs);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * bytes * (Pass == pass::training ? 2 : 1));
}

/// Registers function<pass, arguments...> for both passes.
#define DCS_BENCH(function, ...)                                                                 \
  BENCHMARK(function<pass::forward, __VA_ARGS__>)->Unit(benchmark::kMillisecond)->UseRealTime(); \
  BENCHMARK(function<pass::training, __VA_ARGS__>)->Unit(benchmark::kMillisecond)->UseRealTime()
