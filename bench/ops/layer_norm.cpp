// Layer norm of DCSNet's Transformer: 256 tokens of 256 channels, of 4 and 16 regions, alone and over a residual.
#include "measure.hpp"

#include <dcs/ops/layer_norm/layer_norm.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Regions>
void layer_norm_alone(benchmark::State& state) {
  measure<Pass, shape<Regions, 256, 256>, shape<256>, shape<256>>(
      state, [](const auto& x, const auto& gamma, const auto& beta) { return layer_norm(x, gamma, beta); });
}
template <pass Pass, int Regions>
void layer_norm_residual(benchmark::State& state) {
  measure<Pass, shape<Regions, 256, 256>, shape<Regions, 256, 256>, shape<256>, shape<256>>(
      state, [](const auto& x, const auto& residual, const auto& gamma, const auto& beta) { return layer_norm(x, residual, gamma, beta); });
}

}  // namespace

DCS_BENCH(layer_norm_alone, 4);
DCS_BENCH(layer_norm_alone, 16);
DCS_BENCH(layer_norm_residual, 4);
DCS_BENCH(layer_norm_residual, 16);
