// einsum beside what it lowers to: a projection of tokens (one matrix product), scores of all heads from tokens as a projection leaves them (both
// operands are permuted first), and a product without a sum.
#include "measure.hpp"

#include <dcs/ops/einsum/einsum.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Images>
void projection(benchmark::State& state) {
  measure<Pass, shape<Images, 256, 256>, shape<256, 256>>(state, [](const auto& x, const auto& w) { return einsum<"nlc,mc->nlm">(x, w); });
}
template <pass Pass, int Images>
void projection_by_matmul(benchmark::State& state) {
  measure<Pass, shape<Images, 256, 256>, shape<256, 256>>(
      state, [](const auto& x, const auto& w) { return matmul(reshape<shape<Images * 256, 256>>(x), transpose(w)); });
}
template <pass Pass, int Images>
void scores_of_heads(benchmark::State& state) {
  using tokens = shape<Images, 256, 8, 32>;
  measure<Pass, tokens, tokens>(state, [](const auto& q, const auto& k) { return einsum<"nlhd,nmhd->nhlm">(q, k); });
}
template <pass Pass, int Images>
void outer_product(benchmark::State& state) {
  measure<Pass, shape<Images, 256>, shape<Images, 256>>(state, [](const auto& a, const auto& b) { return einsum<"ni,nj->nij">(a, b); });
}

}  // namespace

DCS_BENCH(projection, 16);
DCS_BENCH(projection_by_matmul, 16);
DCS_BENCH(scores_of_heads, 16);
DCS_BENCH(outer_product, 16);
