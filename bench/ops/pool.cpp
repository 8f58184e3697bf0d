// The pools of DCSNet: the stem's maximum over four images of 256², the pyramid's sixth level, and squeeze-and-excite's mean over 16 regions.
#include "measure.hpp"

#include <dcs/ops/pool/pool.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Batch, int Side, int C, int K, int Stride, int Padding>
void max_pool(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return max_pool2d<K, Stride, Padding>(x); });
}
template <pass Pass, int Batch, int Side, int C, int K>
void avg_pool(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return avg_pool2d<K>(x); });
}
template <pass Pass, int Batch, int Side, int C>
void global_pool(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>>(state, [](const auto& x) { return global_avg_pool(x); });
}

}  // namespace

DCS_BENCH(max_pool, 4, 128, 64, 3, 2, 1);
DCS_BENCH(max_pool, 4, 8, 256, 1, 2, 0);
DCS_BENCH(avg_pool, 4, 64, 256, 2);
DCS_BENCH(global_pool, 4, 64, 256);
DCS_BENCH(global_pool, 16, 64, 256);
