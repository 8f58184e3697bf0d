// expect: dcs::loss: a class map has the shape of the scores with 1 in place of the classes
// expect: class_map_mismatch<dcs::found_extent<3>, dcs::expected_extent<1>, dcs::axis<3>
#include <dcs/loss/classes.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 64, 64, 3>> scores;
  (void)dcs::loss::cross_entropy(scores, scores);
}
