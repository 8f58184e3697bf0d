// The same headers in a second translation unit: both must link.
#include <dcs/dcs.hpp>
#include <dcs/nn/state_dict.hpp>
#include <dcs/optim/adamw.hpp>

double other_unit() {
  const auto x = dcs::tensor<double, dcs::shape<1, 5, 5, 3>>::full(1);
  const auto w = dcs::tensor<double, dcs::shape<3, 3, 3, 4>>::full(1);
  return eval(relu(dcs::conv2d<1, 1>(x, w) * 2))(0, 2, 2, 0);
}
