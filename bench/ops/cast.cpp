// Casts of DCSNet's maps: to 16 bits and back, and to the numbers of reference and gradient checks.
#include "measure.hpp"

#include <dcs/ops/cast/cast.hpp>

using namespace dcs;

namespace {

template <pass Pass, class To, int Side>
void cast_to(benchmark::State& state) {
  measure<Pass, shape<4, Side, Side, 256>>(state, [](const auto& x) { return cast<To>(x); });
}
template <int Side>
void there_and_back(benchmark::State& state) {
  measure<pass::forward, shape<4, Side, Side, 256>>(state, [](const auto& x) { return cast<float>(cast<bf16>(x)); });
}

}  // namespace

DCS_BENCH(cast_to, double, 64);
BENCHMARK(cast_to<pass::forward, bf16, 64>)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(there_and_back<64>)->Unit(benchmark::kMillisecond)->UseRealTime();
