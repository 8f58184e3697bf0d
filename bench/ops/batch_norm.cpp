// Batch norm with the batch's statistics, and ReLU, with and without a residual: DCSNet from scratch on four images of 256², and its head on 16
// regions.
#include "measure.hpp"

#include <dcs/ops/batch_norm/batch_norm.hpp>

using namespace dcs;

namespace {

template <int C>
const auto running_mean = tensor<float, shape<C>>::zeros();
template <int C>
const auto running_variance = tensor<float, shape<C>>::full(1);

template <pass Pass, int Batch, int Side, int C>
void batch_norm_relu(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>, shape<C>, shape<C>>(state, [](const auto& x, const auto& gamma, const auto& beta) {
    return relu(batch_norm_training(x, gamma, beta, running_mean<C>, running_variance<C>));
  });
}
template <pass Pass, int Batch, int Side, int C>
void batch_norm_residual_relu(benchmark::State& state) {
  measure<Pass, shape<Batch, Side, Side, C>, shape<C>, shape<C>, shape<Batch, Side, Side, C>>(
      state, [](const auto& x, const auto& gamma, const auto& beta, const auto& residual) {
        return relu(batch_norm_training(x, gamma, beta, running_mean<C>, running_variance<C>) + residual);
      });
}

}  // namespace

DCS_BENCH(batch_norm_relu, 4, 128, 64);           // stem
DCS_BENCH(batch_norm_residual_relu, 4, 64, 256);  // the ends of the blocks of each stage
DCS_BENCH(batch_norm_residual_relu, 4, 32, 512);
DCS_BENCH(batch_norm_residual_relu, 4, 16, 1024);
DCS_BENCH(batch_norm_residual_relu, 4, 8, 2048);
DCS_BENCH(batch_norm_relu, 16, 64, 256);  // encoder of the largest crop
DCS_BENCH(batch_norm_relu, 16, 64, 64);   // gate
