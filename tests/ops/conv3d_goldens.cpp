// Convolutions and transposed convolutions of rows and volumes against PyTorch's. Gradients are checked against differences in conv3d.cpp.
#include <dcs/ops/conv1d/conv1d.hpp>
#include <dcs/ops/conv_transpose1d/conv_transpose1d.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

// Extents that a stride has divided, as those of a transposed convolution's input; stride 1 leaves the names alone.
template <int Stride, int C>
using rows = shape<dyn<"n">, windowed(dyn<"l">, 1, Stride, 0), C>;
template <int Stride, int C>
using volume = shape<dyn<"n">, windowed(dyn<"d">, 1, Stride, 0), windowed(dyn<"h">, 1, Stride, 0), windowed(dyn<"w">, 1, Stride, 0), C>;

template <class T, bool Bias, class X, class W, extent_t Out, class F>
void with_bias(const io::safetensors& file, const std::string& name, const F& f) {
  if constexpr (Bias)
    test::check_op<T, X, W, shape<Out>>(file, name, {"x", "w", "b"}, f);
  else
    test::check_op<T, X, W>(file, name, {"x", "w"}, f);
}
template <class T, int In, int Out, int K, int Stride, int Padding, int Dilation, int Groups, bool Bias>
void check_rows(const io::safetensors& file, const std::string& name) {
  with_bias<T, Bias, rows<1, In>, shape<K, In / Groups, Out>, Out>(file, "conv1d." + name,
                                                                   [](const auto&... x) { return conv1d<Stride, Padding, Dilation, Groups>(x...); });
}
template <class T, int In, int Out, class Taps, int Stride, int Padding, int Dilation, int Groups, bool Bias>
void check_volume(const io::safetensors& file, const std::string& name) {
  with_bias<T, Bias, volume<1, In>, join_shapes<Taps, shape<In / Groups, Out>>, Out>(
      file, "conv3d." + name, [](const auto&... x) { return conv3d<Stride, Padding, Dilation, Groups>(x...); });
}
template <class T, int In, int Out, int K, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, bool Bias>
void check_rows_up(const io::safetensors& file, const std::string& name) {
  with_bias<T, Bias, rows<Stride, In>, shape<K, Out / Groups, In>, Out>(
      file, "up1d." + name, [](const auto&... x) { return conv_transpose1d<Stride, Padding, OutputPadding, Groups, Dilation>(x...); });
}
template <class T, int In, int Out, class Taps, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, bool Bias>
void check_volume_up(const io::safetensors& file, const std::string& name) {
  with_bias<T, Bias, volume<Stride, In>, join_shapes<Taps, shape<Out / Groups, In>>, Out>(
      file, "up3d." + name, [](const auto&... x) { return conv_transpose3d<Stride, Padding, OutputPadding, Groups, Dilation>(x...); });
}

using cube1 = shape<1, 1, 1>;
using cube2 = shape<2, 2, 2>;
using cube3 = shape<3, 3, 3>;

}  // namespace

TEST_CASE_TEMPLATE("conv1d and conv3d equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("volumes");
  test::for_each_isa([&] {
    check_rows<T, 5, 7, 3, 1, 1, 1, 1, true>(file, "same");
    check_rows<T, 24, 32, 5, 1, 2, 1, 1, true>(file, "wide");
    check_rows<T, 6, 4, 4, 3, 1, 1, 1, false>(file, "strided");
    check_rows<T, 4, 6, 3, 1, 2, 2, 1, true>(file, "dilated");
    check_rows<T, 6, 9, 3, 2, 1, 1, 3, true>(file, "grouped");
    check_rows<T, 8, 8, 3, 1, 1, 1, 8, false>(file, "depthwise");
    check_rows<T, 8, 5, 1, 1, 0, 1, 1, true>(file, "point");
    check_rows<T, 2, 3, 3, 1, 1, 1, 1, true>(file, "one");
    check_volume<T, 3, 5, cube3, 1, 1, 1, 1, true>(file, "same");
    check_volume<T, 16, 18, cube3, 1, 1, 1, 1, true>(file, "wide");
    check_volume<T, 4, 6, cube3, 2, 1, 1, 1, false>(file, "strided");
    check_volume<T, 3, 4, cube3, 1, 2, 2, 1, true>(file, "dilated");
    check_volume<T, 6, 4, cube3, 1, 1, 1, 2, true>(file, "grouped");
    check_volume<T, 6, 6, cube3, 2, 1, 1, 6, false>(file, "depthwise");
    check_volume<T, 8, 3, cube1, 1, 0, 1, 1, true>(file, "point");
    check_volume<T, 3, 4, shape<3, 3, 1>, 1, 0, 1, 1, true>(file, "slices");
    check_volume<T, 3, 4, shape<2, 1, 4>, 1, 0, 1, 1, false>(file, "uneven");
    check_volume<T, 2, 3, cube3, 1, 1, 1, 1, true>(file, "one");
  });
}

TEST_CASE_TEMPLATE("conv_transpose1d and conv_transpose3d equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("volumes");
  test::for_each_isa([&] {
    check_rows_up<T, 6, 4, 2, 2, 0, 0, 1, 1, true>(file, "double");
    check_rows_up<T, 5, 3, 4, 2, 1, 0, 1, 1, false>(file, "overlapping");
    check_rows_up<T, 6, 8, 3, 2, 1, 1, 2, 1, true>(file, "grouped");
    check_volume_up<T, 6, 4, cube2, 2, 0, 0, 1, 1, true>(file, "double");
    check_volume_up<T, 4, 5, cube3, 1, 1, 0, 1, 1, false>(file, "plain");
    check_volume_up<T, 4, 3, cube3, 2, 1, 1, 1, 1, true>(file, "overlapping");
    check_volume_up<T, 6, 4, cube3, 2, 1, 0, 2, 1, true>(file, "grouped");
    check_volume_up<T, 3, 2, cube3, 2, 2, 1, 1, 2, true>(file, "dilated");
    check_volume_up<T, 3, 4, shape<2, 1, 3>, 2, 0, 0, 1, 1, false>(file, "uneven");
    check_volume_up<T, 5, 4, cube1, 1, 0, 0, 1, 1, true>(file, "point");
  });
}
