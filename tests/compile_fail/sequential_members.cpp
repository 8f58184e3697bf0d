// expect: dcs::nn::sequential: a layer with parameters names them with DCS_MEMBERS
#include <dcs/nn/layers.hpp>
#include <dcs/nn/sequential.hpp>

struct forgetful {
  dcs::nn::linear<4, 4> linear;
  auto operator()(const auto& x) const { return linear(x); }
};

int main() { dcs::nn::sequential<forgetful> net; }
