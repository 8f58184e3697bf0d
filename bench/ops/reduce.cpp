// Sums and means of DCSNet: over space (squeeze-and-excite), over rows (gradients of biases), and of whole maps of logits (losses), for 16 regions.
#include "measure.hpp"

#include <dcs/ops/reduce/reduce.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Batch, int Side, int C>
void mean_over_space(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return mean<1, 2>(x); });
}
template <pass Pass, int Batch, int Side, int C>
void sum_over_rows(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return sum<0, 1, 2>(x); });
}
template <pass Pass, int Batch, int Side, int C>
void mean_of_all(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return mean_all(x); });
}

}  // namespace

DCS_BENCH(mean_over_space, 16, 64, 256);
DCS_BENCH(sum_over_rows, 16, 64, 256);
DCS_BENCH(sum_over_rows, 4, 8, 2048);
DCS_BENCH(mean_of_all, 16, 64, 1);
DCS_BENCH(mean_of_all, 16, 64, 256);
