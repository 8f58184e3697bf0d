// Convolution layers against torch.nn's (goldens/layers.py), with weights under PyTorch's names and layouts, and their initialisation.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

#include "check_module.hpp"

using namespace dcs;

namespace {

template <int C>
using image = shape<dyn<"n">, dyn<"height">, dyn<"width">, C>;
// An image's extents after pooling by two.
template <int C>
using half = shape<dyn<"n">, windowed(dyn<"height">, 2, 2, 0), windowed(dyn<"width">, 2, 2, 0), C>;

// A UNet's step from a level to the one above it: its map doubled, beside the skip.
struct up_block {
  nn::conv_transpose2d<8, 4, 2, 2> up;
  nn::conv2d<8, 4, 3, 1, 1, 1, false> conv;
  DCS_MEMBERS(up, conv)
  template <operand X, operand Skip>
  constexpr auto operator()(const X& x, const Skip& skip) const {
    return eval(relu(conv(concat<channel>(skip, up(x)))));
  }
};

using dilated = nn::dilated_conv2d<6, 5, 3, 2>;
using dilated_depthwise = nn::dilated_conv2d<8, 8, 3, 3, 2, 3, 8, false>;
using dilated_grouped = nn::dilated_conv2d<6, 4, 3, 2, 1, 2, 2>;
using transposed = nn::conv_transpose2d<6, 9, 3, 2, 1, 1, 3>;
using without_bias = nn::conv_transpose2d<5, 4, 3, 2, 1, 0, 1, false, init::zeros, init::zeros, 2>;

static_assert(parameters<dilated> == 3 * 3 * 6 * 5 + 5 && parameters<dilated_depthwise> == 3 * 3 * 8 &&
              parameters<dilated_grouped> == 3 * 3 * 3 * 4 + 4);
static_assert(parameters<transposed> == 3 * 3 * 6 * 3 + 9 && parameters<without_bias> == 3 * 3 * 5 * 4);
// The up-convolutions of a UNet of width 64.
static_assert(parameters<nn::conv_transpose2d<1024, 512, 2, 2>> == 2'097'664 && parameters<nn::conv_transpose2d<128, 64, 2, 2>> == 32'832);

}  // namespace

TEST_CASE_TEMPLATE("dilated and transposed convolution layers equal PyTorch's, with the gradients of their weights", T, float, double) {
  const auto file = test::goldens("layers");
  constexpr double bound = test::tolerance<T>;
  test::for_each_isa([&] {
    test::check_module<T, dilated, image<6>>(file, "dilated", 1, {"x"}, bound);
    test::check_module<T, dilated_depthwise, image<8>>(file, "dilated depthwise", 1, {"x"}, bound);
    test::check_module<T, dilated_grouped, image<6>>(file, "dilated grouped", 1, {"x"}, bound);
    test::check_module<T, transposed, half<6>>(file, "transposed", 1, {"x"}, bound);
    test::check_module<T, without_bias, half<5>>(file, "transposed without bias", 1, {"x"}, bound);
    test::check_module<T, up_block, half<8>, image<4>>(file, "up", 1, {"x", "skip"}, bound);
  });
}

TEST_CASE("a dilated layer keeps the size by default, and an error message names its dilation") {
  dilated layer;
  initialize<float>(layer, 1);
  const auto x = tensor<float, shape<1, 9, 7, 6>>::full(1);
  static_assert(std::is_same_v<decltype(eval(layer(x))), tensor<float, shape<1, 9, 7, 5>>>);
  nn::dilated_conv2d<6, 5, 3, 4, 1, 0> wide;
  initialize<float>(wide, 1);
  static_assert(std::is_same_v<decltype(eval(wide(tensor<float, shape<1, 9, 10, 6>>()))), tensor<float, shape<1, 1, 2, 5>>>);
  CHECK_THROWS_WITH_AS(eval(wide(tensor<float, image<6>>::zeros({1, 8, 10, 6}))), doctest::Contains("an image of 8 × 10 is smaller"), error);
}

TEST_CASE("the weights of convolution layers begin within the bound that PyTorch gives them") {
  const auto check = [](auto layer, double bound) {
    initialize<double>(layer, 3);
    for (const auto& entry : named_parameters(layer)) {
      double largest = 0;
      for (extent_t i = 0; i < entry.parameter->size(); ++i) largest = std::max(largest, std::abs(entry.parameter->template data<double>()[i]));
      CHECK(largest <= bound);
      if (entry.parameter->size() > 100) CHECK(largest > 0.97 * bound);
    }
  };
  check(dilated(), 1 / std::sqrt(54.0));
  // PyTorch takes a transposed convolution's second axis for the inputs: 3 × 3 · 9 / 3.
  check(transposed(), 1 / std::sqrt(27.0));
  check(nn::conv_transpose2d<64, 32, 2, 2>(), 1 / std::sqrt(128.0));
}
