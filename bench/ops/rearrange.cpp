// Moving elements in DCSNet's head on 16 regions: the gate's and the decoder's concatenations, tokens of all levels, heads of attention, the deepest
// tokens.
#include "measure.hpp"

#include <dcs/ops/rearrange/rearrange.hpp>

using namespace dcs;

namespace {

template <pass Pass, int Regions, int Side>
void concat_pair(benchmark::State& state) {
  using map = shape<Regions, Side, Side, 256>;
  measure<Pass, map, map>(state, [](const auto& a, const auto& b) { return concat<channel>(a, b); });
}
template <pass Pass, int Regions, int Side>
void concat_levels(benchmark::State& state) {
  using map = shape<Regions, Side, Side, 256>;
  measure<Pass, map, map, map, map>(state, [](const auto& a, const auto& b, const auto& c, const auto& d) { return concat<channel>(a, b, c, d); });
}
template <pass Pass, int Regions>
void concat_tokens(benchmark::State& state) {
  using tokens = shape<Regions, 64, 256>;
  measure<Pass, tokens, tokens, tokens, tokens>(state,
                                                [](const auto& a, const auto& b, const auto& c, const auto& d) { return concat<1>(a, b, c, d); });
}
template <pass Pass, int Regions>
void heads(benchmark::State& state) {
  measure<Pass, shape<Regions, 256, 8, 32>>(state, [](const auto& x) { return permute<0, 2, 1, 3>(x); });
}
template <pass Pass, int Regions>
void last_tokens(benchmark::State& state) {
  measure<Pass, shape<Regions, 256, 256>>(state, [](const auto& x) { return slice<1, 192, 64>(x); });
}

}  // namespace

DCS_BENCH(concat_pair, 16, 64);
DCS_BENCH(concat_pair, 16, 16);
DCS_BENCH(concat_levels, 16, 64);
DCS_BENCH(concat_tokens, 16);
DCS_BENCH(heads, 16);
DCS_BENCH(last_tokens, 16);
