// DCS_MEMBERS is compared with the struct: members of every kind beside the modules are free to be left out (programs that leave out a module are in
// compile_fail), and what cannot be compared says at run time what is missing.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/layers.hpp>

#include <doctest/doctest.h>

#include <any>
#include <functional>
#include <map>
#include <optional>
#include <vector>

using namespace dcs;

namespace {

template <class Self>
struct common {
  double of_all() const { return 1; }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};
struct options {
  double rate = 1;
  std::vector<int> sizes;
  std::string name;
};

// Every member that could be mistaken: arrays with and without braces of their own, a nested aggregate, classes with constructors from anything.
struct roomy : common<roomy> {
  double p = 0.5;
  int list[5];
  std::array<double, 20> table;
  std::tuple<int, double> pair;
  std::string name;
  options numbers;
  std::vector<float> values;
  std::function<void(int)> call;
  std::map<int, double> map;
  nn::conv2d<3, 8, 3> conv;
  std::array<nn::linear<4, 4>, 3> layers;
  std::tuple<nn::linear<4, 4>, parameter<shape<3>>> mixed;
  parameter<shape<5>> own;
  buffer<shape<5>> kept;
  tensor<float, shape<3>> cache[4];
  std::any thing;
  nn::upsample_bilinear up;
  nn::dropout drop;
  DCS_MEMBERS(conv, layers, mixed, own, kept)
};
// Members of a base may be listed, and their list is inherited.
struct derived : roomy {
  std::array<char, 300> room;
};
struct named_again : nn::linear<4, 4> {
  parameter<shape<7>> more;
  std::array<char, 300> room;
  DCS_MEMBERS_AS((weight, "a"), (bias, "b"), (more, "c"))
};

// 64 members of one type, of which the compiler counts each.
struct wide {
  parameter<shape<1>> a, b, c, d, e, f, g, h;
  double numbers[54] = {};
  std::string last, one;
  DCS_MEMBERS(a, b, c, d, e, f, g, h)
};

// A constructor: nothing is compared.
struct closed {
  nn::linear<4, 4> first;
  parameter<shape<4>> forgotten;
  DCS_MEMBERS(first)
  closed() {}
  template <operand X>
  auto operator()(const X& x) const {
    return eval(eval(first(x)) * forgotten.as(x));
  }
};

template <class Net>
std::size_t count(Net net) {
  std::size_t n = 0;
  for_each_parameter(net, [&](const std::string&, const parameter_base&) { ++n; });
  return n;
}

}  // namespace

TEST_CASE("members that are no modules are left out freely, and all others are found") {
  static_assert(detail::count_members<roomy>() == 26);
  static_assert(detail::count_matching<roomy, detail::with_parameters<roomy>>(std::make_index_sequence<26>{}) == 5);
  static_assert(detail::count_members<wide>() == 64);
  static_assert(detail::count_matching<wide, detail::with_parameters<wide>>(std::make_index_sequence<64>{}) == 8);
  CHECK(count(roomy()) == 2 + 6 + 3 + 1 + 1);
  CHECK(count(derived()) == count(roomy()));
  CHECK(count(named_again()) == 3);
  CHECK(count(wide()) == 8);
}

TEST_CASE("a parameter without memory says what is missing: with a name the values, without one perhaps the member") {
  const auto x = tensor<float, shape<2, 4>>::full(1);
  closed net;
  initialize(net, 1);
  CHECK_THROWS_WITH_AS(net(x),
                       "dcs::parameter: a parameter of 4 values, [4] in a state dict, has no memory: initialize() or load_state_dict() gives the "
                       "network's parameters theirs; if that was done, the member is missing from DCS_MEMBERS of its struct",
                       error);
  parameter<shape<4>> alone;
  alone.set_name("block.gain");
  CHECK_THROWS_WITH_AS(alone.as(x),
                       "dcs::parameter: block.gain of 4 values, [4] in a state dict, has no memory: initialize() or load_state_dict() gives the "
                       "network's parameters theirs",
                       error);
}

TEST_CASE("a gradient that a parameter does not have is an error that names it, and can be asked for") {
  nn::batch_norm<3> norm;
  CHECK(!norm.weight.has_gradient());
  CHECK_THROWS_WITH_AS(norm.weight.gradient(),
                       "dcs::parameter::gradient: a parameter of 3 values, [3] in a state dict, has no gradient: it has no memory; initialize() the "
                       "network; has_gradient() asks",
                       error);
  initialize(norm, 1);
  CHECK_THROWS_WITH_AS(norm.bias.gradient(),
                       "dcs::parameter::gradient: bias of 3 values, [3] in a state dict, has no gradient: no backward pass has reached it since "
                       "gradients were cleared; has_gradient() asks",
                       error);
  CHECK_THROWS_WITH_AS(norm.running_mean.gradient(), doctest::Contains("running_mean of 3 values, [3] in a state dict, has no gradient: a buffer"),
                       error);
  const auto x = random_normal<float, shape<4, 3>>({4, 3}, {1, 1});
  backward(eval(norm(var<float, shape<4, 3>>(x))), x);
  CHECK(norm.bias.has_gradient());
  CHECK(norm.bias.gradient().bytes() == 3 * 4);
  clear_gradients(norm);
  CHECK(!norm.bias.has_gradient());
  CHECK_THROWS_AS(norm.bias.gradient(), error);
}
