// expect: dcs::loss: a class map has the element type of the scores; cast<T>(map) converts it
#include <dcs/loss/classes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 64, 64, 3>> scores;
  const dcs::tensor<double, dcs::shape<2, 64, 64, 1>> classes;
  (void)dcs::loss::class_cross_entropy(scores, classes);
}
