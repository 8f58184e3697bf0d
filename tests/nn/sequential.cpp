// Layers one after the other against torch.nn.Sequential (goldens/embedding.py): names, values, gradients, and what fuses.
#include <dcs/cpu/parallel.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/sequential.hpp>
#include <dcs/ops/reduce/reduce.hpp>

#include "check_module.hpp"

using namespace dcs;

namespace {

using image = shape<dyn<"n">, dyn<"h">, dyn<"w">, 3>;
using net_type = nn::sequential<nn::conv2d<3, 8, 3>, nn::relu, nn::max_pool2d<2>, nn::sequential<nn::conv2d<8, 4, 1, 1, 0, 1, false>, nn::tanh>,
                                nn::avg_pool2d<3, 1, 1>, nn::sigmoid>;
static_assert(module<net_type>);
static_assert(parameters<net_type> == 3 * 3 * 3 * 8 + 8 + 8 * 4 && macs<net_type, shape<1, 4, 4, 3>> == 16 * 27 * 8 + 4 * 8 * 4);

struct doubled {
  template <operand X>
  constexpr auto operator()(const X& x) const {
    return x * 2;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("layers one after the other are PyTorch's, under its names", T, float, double) {
  const auto file = test::goldens("embedding");
  test::for_each_isa([&] { test::check_module<T, net_type, image>(file, "net", 1, {"x"}, test::tolerance<T>); });
}

TEST_CASE("layers are named by their numbers, and those without parameters count") {
  net_type net;
  std::string names;
  for_each_parameter(net, [&](const std::string& name, parameter_base&) { names += name + " "; });
  CHECK(names == "0.weight 0.bias 3.0.weight ");
  CHECK(&net.get<3>().get<0>() == &std::get<0>(std::get<3>(net.layers).layers));
}

TEST_CASE("functions stand among layers, and no layer is no change") {
  nn::sequential<doubled, nn::dropout, doubled> twice;
  twice.get<1>().p = 0;
  const auto x = random_normal<float, shape<3, 5>>({3, 5}, {1, 1});
  const auto y = twice(x);
  for (extent_t i = 0; i < x.size(); ++i) CHECK(y.data()[i] == 4 * x.data()[i]);
  CHECK(nn::sequential<>{}(x).data() == x.data());
  backward(sum_all(twice(var<float, shape<3, 5>>::leaf(x))));
}

TEST_CASE("activations stand among layers, and PReLU learns its slopes under PyTorch's name") {
  nn::sequential<nn::gelu, nn::prelu<5>, nn::elu, nn::leaky_relu> layers;
  static_assert(parameters<decltype(layers)> == 5);
  layers.get<2>().alpha = 0.5, layers.get<3>().slope = 0.2;
  initialize<double>(layers, 1);
  CHECK(named_parameters(layers).front().name == "1.weight");
  const auto slope = layers.get<1>().weight.as(tensor<double, shape<1>>::zeros());
  CHECK(slope(4) == 0.25);
  const auto x = random_normal<double, shape<3, 5>>({3, 5}, {1, 1});
  const auto y = layers(x), wanted = eval(leaky_relu(elu(prelu(gelu(x), slope), 0.5), 0.2));
  CHECK(std::equal(y.data(), y.data() + y.size(), wanted.data()));
  const auto same = [&](const auto& layer, const auto& expected) {
    const auto a = eval(layer(x)), b = eval(expected);
    return std::equal(a.data(), a.data() + a.size(), b.data());
  };
  CHECK((same(nn::gelu_tanh(), gelu_tanh(x)) && same(nn::silu(), silu(x)) && same(nn::mish(), mish(x)) && same(nn::softplus(), softplus(x))));
  CHECK((same(nn::hard_sigmoid(), hard_sigmoid(x)) && same(nn::hard_swish(), hard_swish(x))));
  backward(sum_all(layers(var<double, shape<3, 5>>::leaf(x))));
  CHECK(layers.get<1>().weight.has_gradient());
}

TEST_CASE("a convolution, its norm and its activation are one kernel in inference, as where they are written as one expression") {
  nn::sequential<nn::conv2d<3, 8, 3, 1, 1, 1, false>, nn::batch_norm<8>, nn::relu> layers;
  initialize<float>(layers, 1);
  const auto x = random_normal<float, shape<1, 6, 6, 3>>({1, 6, 6, 3}, {1, 1});
  const auto runs = [](const auto& f) {
    const auto before = cpu::kernel_runs();
    f();
    return cpu::kernel_runs() - before;
  };
  const auto together = runs([&] { return layers(x); });
  const auto written = runs([&] { return eval(relu(layers.get<1>()(layers.get<0>()(x)))); });
  const auto apart = runs([&] { return eval(relu(eval(layers.get<1>()(eval(layers.get<0>()(x)))))); });
  CHECK(together == written);
  CHECK(together < apart);
}
