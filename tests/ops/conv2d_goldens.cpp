// Convolutions against PyTorch's. The definition, written out, is compared in conv2d.cpp.
#include <dcs/ops/conv2d/conv2d.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

template <int C>
using image = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;

// f32 convolutions by Winograd's algorithm round more than the definition's sums.
template <class T>
constexpr double bound = sizeof(T) == 8 ? test::tolerance<T> : 4e-6;

template <class T, int In, int Out, int KH, int KW, int Stride, int Padding, int Dilation, int Groups, bool Bias>
void check(const io::safetensors& file, const std::string& name) {
  using W = shape<KH, KW, In / Groups, Out>;
  if constexpr (Bias)
    test::check_op<T, image<In>, W, shape<Out>>(
        file, name, {"x", "w", "b"}, [](const auto& x, const auto& w, const auto& b) { return conv2d<Stride, Padding, Dilation, Groups>(x, w, b); },
        bound<T>);
  else
    test::check_op<T, image<In>, W>(
        file, name, {"x", "w"}, [](const auto& x, const auto& w) { return conv2d<Stride, Padding, Dilation, Groups>(x, w); }, bound<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("conv2d equals PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("conv2d");
  test::for_each_isa([&] {
    check<T, 16, 24, 3, 3, 1, 1, 1, 1, false>(file, "plain");
    check<T, 5, 7, 3, 3, 1, 1, 1, 1, true>(file, "narrow");
    check<T, 8, 12, 3, 3, 2, 1, 1, 1, true>(file, "strided");
    check<T, 3, 16, 7, 7, 2, 3, 1, 1, false>(file, "stem");
    check<T, 24, 10, 1, 1, 1, 0, 1, 1, true>(file, "pointwise");
    check<T, 8, 9, 1, 1, 2, 0, 1, 1, false>(file, "pointwise strided");
    check<T, 8, 12, 3, 3, 1, 1, 1, 4, true>(file, "grouped");
    check<T, 21, 21, 3, 3, 1, 1, 1, 21, true>(file, "depthwise");
    check<T, 16, 16, 5, 5, 2, 2, 1, 16, false>(file, "depthwise strided");
    check<T, 4, 8, 3, 3, 1, 1, 1, 4, true>(file, "depthwise doubled");
    check<T, 6, 5, 3, 3, 1, 2, 2, 1, true>(file, "dilated");
    check<T, 4, 6, 3, 3, 2, 0, 3, 1, false>(file, "dilated strided");
    check<T, 8, 8, 2, 2, 2, 0, 1, 1, true>(file, "patches");
    check<T, 4, 5, 3, 2, 1, 1, 1, 1, false>(file, "uneven");
    check<T, 3, 4, 3, 3, 1, 4, 1, 1, false>(file, "wide border");
    check<T, 2, 3, 3, 3, 1, 1, 1, 1, true>(file, "one pixel");
  });
}

TEST_CASE_TEMPLATE("a convolution with scale, shift, residual and ReLU equals PyTorch's", T, float, double) {
  const auto file = test::goldens("conv2d");
  test::for_each_isa([&] {
    test::check_op<T, image<6>, shape<3, 3, 6, 9>, shape<9>, shape<9>, image<9>>(
        file, "fused", {"x", "w", "scale", "shift", "residual"},
        [](const auto& x, const auto& w, const auto& scale, const auto& shift, const auto& residual) {
          return relu(conv2d<1, 1>(x, w) * scale + shift + residual);
        },
        bound<T>);
  });
}
