// expect: dcs::loss: weights of classes are of shape<K>, one for each of the scores' K classes
// expect: class_weights_mismatch<dcs::found_extent<4>, dcs::expected_extent<3>, dcs::axis<0>
#include <dcs/loss/classes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 64, 64, 3>> scores;
  const dcs::tensor<float, dcs::shape<2, 64, 64, 1>> classes;
  const dcs::tensor<float, dcs::shape<4>> weights;
  (void)dcs::loss::cross_entropy(scores, classes, weights);
}
