// Transposed convolutions against PyTorch's. The definition, written out, is compared in conv_transpose2d.cpp.
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

template <class T, int In, int Out, int KH, int KW, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, bool Bias>
void check(const io::safetensors& file, const std::string& name) {
  using X = shape<dyn<"n">, windowed(dyn<"h">, 1, Stride, 0), windowed(dyn<"w">, 1, Stride, 0), In>;
  using W = shape<KH, KW, Out / Groups, In>;
  const auto f = [](const auto&... x) { return conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(x...); };
  if constexpr (Bias)
    test::check_op<T, X, W, shape<Out>>(file, name, {"x", "w", "b"}, f);
  else
    test::check_op<T, X, W>(file, name, {"x", "w"}, f);
}

}  // namespace

TEST_CASE_TEMPLATE("conv_transpose2d equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("conv_transpose2d");
  test::for_each_isa([&] {
    check<T, 16, 8, 2, 2, 2, 0, 0, 1, 1, true>(file, "up");
    check<T, 5, 7, 3, 3, 1, 1, 0, 1, 1, false>(file, "plain");
    check<T, 18, 20, 3, 3, 1, 1, 0, 1, 1, true>(file, "wide");
    check<T, 6, 6, 3, 3, 2, 1, 1, 1, 1, false>(file, "doubled");
    check<T, 8, 5, 4, 4, 2, 1, 0, 1, 1, true>(file, "overlapping");
    check<T, 3, 4, 2, 2, 3, 0, 2, 1, 1, true>(file, "with gaps");
    check<T, 12, 10, 1, 1, 1, 0, 0, 1, 1, true>(file, "pointwise");
    check<T, 8, 12, 3, 3, 2, 1, 1, 4, 1, true>(file, "grouped");
    check<T, 21, 21, 3, 3, 2, 1, 0, 21, 1, true>(file, "depthwise");
    check<T, 8, 4, 2, 2, 2, 0, 0, 4, 1, false>(file, "depthwise halved");
    check<T, 6, 5, 3, 3, 2, 2, 1, 1, 2, true>(file, "dilated");
    check<T, 4, 5, 3, 2, 2, 0, 0, 1, 1, false>(file, "uneven");
    check<T, 2, 3, 3, 3, 2, 1, 1, 1, 1, true>(file, "one pixel");
  });
}
