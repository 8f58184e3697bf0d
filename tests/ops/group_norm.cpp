#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/norms.hpp>
#include <dcs/ops/group_norm/group_norm.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int C>
using map = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;
template <int C>
using rows = shape<dyn<"n">, dyn<"l">, C>;

template <int Groups>
const auto norm = [](const auto& x, const auto& gamma, const auto& beta) { return group_norm<Groups>(x, gamma, beta); };

// Numbers near 50 of deviation 1 leave f32 about 5e-6 of a deviation.
template <class T>
constexpr double far_bound = std::is_same_v<T, float> ? 2e-5 : 1e-11;

template <class T, int Groups, int C>
void check_group(const io::safetensors& file) {
  test::check_op<T, map<C>, shape<C>, shape<C>>(file, "group." + std::to_string(Groups) + "." + std::to_string(C), {"x", "gamma", "beta"},
                                                norm<Groups>);
}

}  // namespace

TEST_CASE_TEMPLATE("group, instance and RMS norm, and standardised weights, equal PyTorch's", T, float, double) {
  const auto file = test::goldens("group_norm");
  test::for_each_isa([&] {
    check_group<T, 1, 6>(file), check_group<T, 2, 6>(file), check_group<T, 6, 6>(file), check_group<T, 4, 16>(file);
    test::check_op<T, rows<9>, shape<9>, shape<9>>(file, "group.rows", {"x", "gamma", "beta"},
                                                   [](const auto& x, const auto& g, const auto& b) { return group_norm<3>(x, g, b, 0.1); });
    test::check_op<T, map<4>, shape<4>, shape<4>>(file, "group.far", {"x", "gamma", "beta"}, norm<2>, far_bound<T>);
    test::check_op<T, map<5>>(file, "instance", {"x"}, [](const auto& x) { return instance_norm(x); });
    test::check_op<T, rows<3>>(file, "instance.rows", {"x"}, [](const auto& x) { return instance_norm(x); });
    test::check_op<T, rows<7>, shape<7>>(file, "rms", {"x", "gamma"}, [](const auto& x, const auto& g) { return rms_norm(x, g); });
    test::check_op<T, map<4>, shape<3, 3, 4, 6>>(file, "standardised", {"x", "w"},
                                                 [](const auto& x, const auto& w) { return conv2d<2, 1>(x, normalise<0, 1, 2>(w)); });
  });
}

TEST_CASE("norms pass the gradient check, over one position and over many") {
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2, 3})
      for (extent_t h : {1, 2, 3, 4, 7}) {
        const auto x = random_normal<double, map<6>>({n, h, 2, 6}, {1, 1});
        const auto g = random_normal<double, shape<6>>({6}, {1, 2}), b = random_normal<double, shape<6>>({6}, {1, 3});
        const random_stream s{3, 3};
        CHECK(gradcheck(norm<2>, s, 10, x, g, b) < 1e-5);
        CHECK(gradcheck([](const auto& a) { return instance_norm(a); }, s, 10, x) < 1e-5);
        CHECK(gradcheck([](const auto& a, const auto& c) { return rms_norm(a, c); }, s, 10, x, g) < 1e-5);
      }
  });
}

TEST_CASE("norms of images that are alike do not depend on the batch, and what is empty is refused or empty") {
  const auto one = random_normal<float, map<4>>({1, 5, 3, 4}, {2, 1});
  const auto gamma = tensor<float, shape<4>>::full(1), beta = tensor<float, shape<4>>::zeros();
  const auto both = tensor<float, map<4>>::empty({2, 5, 3, 4});
  for (extent_t i = 0; i < 2; ++i) std::copy_n(one.data(), one.size(), both.data() + i * one.size());
  const auto y = eval(norm<2>(one, gamma, beta)), z = eval(norm<2>(both, gamma, beta));
  for (extent_t i = 0; i < 2; ++i) CHECK(std::equal(y.data(), y.data() + y.size(), z.data() + i * y.size()));
  CHECK(eval(norm<2>(tensor<float, map<4>>::zeros({0, 5, 3, 4}), gamma, beta)).size() == 0);
  CHECK_THROWS_AS((void)eval(norm<2>(tensor<float, map<4>>::zeros({2, 0, 3, 4}), gamma, beta)), error);
}

TEST_CASE("norms as layers: PyTorch's names, and a convolution whose weights are standardised when it is called") {
  nn::standardised_conv2d<3, 4, 3> conv;
  nn::group_norm<2, 4> group;
  nn::rms_norm<4> rms;
  initialize<double>(conv, 1), initialize<double>(group, 2), initialize<double>(rms, 3);
  static_assert(parameters<decltype(conv)> == 3 * 3 * 3 * 4 && parameters<decltype(group)> == 8 && parameters<decltype(rms)> == 4);
  CHECK(named_parameters(group).back().name == "bias");
  const auto x = random_normal<double, map<3>>({1, 4, 4, 3}, {4, 1});
  const auto w = conv.weight.as(x);
  const auto y = eval(rms(nn::instance_norm()(group(conv(x)))));
  const auto ones = tensor<double, shape<4>>::full(1), zeros = tensor<double, shape<4>>::zeros();
  const auto wanted = eval(rms_norm(instance_norm(group_norm<2>(conv2d<1, 1>(x, normalise<0, 1, 2>(w)), ones, zeros)), ones));
  CHECK(std::equal(y.data(), y.data() + y.size(), wanted.data()));
  static_assert(macs<decltype(conv), shape<1, 4, 4, 3>> == 16 * 27 * 4 && macs<decltype(group), shape<1, 4, 4, 4>> == 0);
  backward(mean_all(square(group(conv(var<double, map<3>>::leaf(x))))));
  CHECK(conv.weight.has_gradient());
}
