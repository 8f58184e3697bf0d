// Convolutions of volumes as a 3-D UNet has them: 3 × 3 × 3 at three levels, the stem's on one channel, the strided one and the doubling transposed
// one; and rows. Each forward, and forward with both gradients. bench/ops/conv3d.py times PyTorch's.
#include "measure.hpp"

#include <dcs/ops/conv1d/conv1d.hpp>
#include <dcs/ops/conv_transpose3d/conv_transpose3d.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Batch, int Side, int In, int Out, int Stride>
void volumes(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, Side, In>, shape<3, 3, 3, In, Out>>(state,
                                                                             [](const auto& x, const auto& w) { return conv3d<Stride, 1>(x, w); });
}
template <pass Pass, int Batch, int Side, int In, int Out>
void doubled(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, Side, In>, shape<2, 2, 2, Out, In>>(state,
                                                                             [](const auto& x, const auto& w) { return conv_transpose3d<2>(x, w); });
}
template <pass Pass, int Batch, int Length, int In, int Out>
void rows(benchmark::State& state) {
  measure<Pass, shape<Batch, Length, In>, shape<3, In, Out>>(state, [](const auto& x, const auto& w) { return conv1d<1, 1>(x, w); });
}

}  // namespace

DCS_BENCH(volumes, 2, 48, 1, 16, 1);
DCS_BENCH(volumes, 2, 48, 16, 16, 1);
DCS_BENCH(volumes, 2, 24, 32, 32, 1);
DCS_BENCH(volumes, 2, 12, 64, 64, 1);
DCS_BENCH(volumes, 2, 48, 16, 32, 2);
DCS_BENCH(doubled, 2, 12, 64, 32);
DCS_BENCH(rows, 16, 1024, 64, 64);
