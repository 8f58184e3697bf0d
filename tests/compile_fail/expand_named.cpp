// expect: dcs::expand: the size of a named extent that repeats is an argument: expand<Shape>(x, sizes)
#include <dcs/ops/rearrange/axes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4>> x;
  dcs::expand<dcs::shape<dcs::dyn<"n">, 4>>(x);
}
