// Dropout of DCSNet's head on 16 regions: single elements of the Transformer's tokens and hidden layers, whole channels of the encoders' maps.
#include "measure.hpp"

#include <dcs/ops/dropout/dropout.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Regions, int Channels>
void of_elements(benchmark::State& state) {
  measure<Pass, shape<Regions, 256, Channels>>(state, [](const auto& x) { return dropout(x, 0.1, random_stream{1, 1}); });
}
template <pass Pass, int Regions, int Side>
void of_channels(benchmark::State& state) {
  measure<Pass, shape<Regions, Side, Side, 256>>(state, [](const auto& x) { return channel_dropout(x, 0.2, random_stream{1, 1}); });
}

}  // namespace

DCS_BENCH(of_elements, 16, 256);
DCS_BENCH(of_elements, 16, 1024);
DCS_BENCH(of_channels, 16, 64);
DCS_BENCH(of_channels, 16, 32);
