// Rearranging along axes as networks do it: a window of an attention shifted (roll), an augmentation (flip), a token or a mask for every image
// (expand), maps side by side (stack), the border of a convolution (pad).
#include "measure.hpp"

#include <dcs/ops/pad/pad.hpp>

using namespace dcs;

namespace {

template <int Side>
using map = shape<16, Side, Side, 256>;

template <pass Pass, int Side>
void roll_rows(benchmark::State& state) {
  measure<Pass, map<Side>>(state, [](const auto& x) { return roll<1>(x, -Side / 2); });
}
template <pass Pass, int Side>
void flip_columns(benchmark::State& state) {
  measure<Pass, map<Side>>(state, [](const auto& x) { return flip<2>(x); });
}
template <pass Pass, int Side>
void flip_channels(benchmark::State& state) {
  measure<Pass, map<Side>>(state, [](const auto& x) { return flip<channel>(x); });
}
template <pass Pass, int Side>
void expand_images(benchmark::State& state) {
  measure<Pass, shape<Side, Side, 256>>(state, [](const auto& x) { return expand<map<Side>>(x); });
}
template <pass Pass, int Side>
void expand_channels(benchmark::State& state) {
  measure<Pass, shape<16, Side, Side, 1>>(state, [](const auto& x) { return expand<map<Side>>(x); });
}
template <pass Pass, int Side>
void stack_pair(benchmark::State& state) {
  measure<Pass, map<Side>, map<Side>>(state, [](const auto& a, const auto& b) { return stack<1>(a, b); });
}
template <pass Pass, int Side>
void pad_zeros(benchmark::State& state) {
  measure<Pass, map<Side>>(state, [](const auto& x) { return pad<2, 1, 1>(pad<1, 1, 1>(x)); });
}
template <pass Pass, int Side>
void pad_reflected(benchmark::State& state) {
  measure<Pass, map<Side>>(state, [](const auto& x) { return pad<2, 1, 1, pad_mode::reflect>(x); });
}

}  // namespace

DCS_BENCH(roll_rows, 64);
DCS_BENCH(flip_columns, 64);
DCS_BENCH(flip_channels, 64);
DCS_BENCH(expand_images, 64);
DCS_BENCH(expand_channels, 64);
DCS_BENCH(stack_pair, 64);
DCS_BENCH(pad_zeros, 64);
DCS_BENCH(pad_reflected, 64);
