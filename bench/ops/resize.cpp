// The resizes of DCSNet: the pyramid's top-down path over four images of 256² (nearest), the decoder's and the fusion's over 16 regions (bilinear).
#include "measure.hpp"

#include <dcs/ops/resize/resize.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Batch, int Side>
void nearest_twice(benchmark::State& state) {
  const auto finer = tensor<float, shape<Batch, 2 * Side, 2 * Side, 256>>::zeros();
  measure<Pass, shape<Batch, Side, Side, 256>>(state, [&](const auto& x) { return resize_nearest_like(x, finer); });
}
template <pass Pass, int Batch, int Side, int To>
void bilinear(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, 256>>(state, [](const auto& x) { return resize_bilinear<corners::aligned, To, To>(x); });
}

}  // namespace

DCS_BENCH(nearest_twice, 4, 8);
DCS_BENCH(nearest_twice, 4, 16);
DCS_BENCH(nearest_twice, 4, 32);
DCS_BENCH(bilinear, 16, 8, 16);
DCS_BENCH(bilinear, 16, 16, 32);
DCS_BENCH(bilinear, 16, 32, 64);
DCS_BENCH(bilinear, 16, 8, 64);
DCS_BENCH(bilinear, 16, 16, 64);
