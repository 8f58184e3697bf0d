// expect: dcs::loss::cross_entropy: scores have the axes sample, class
// expect: cross_entropy_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<2>, dcs::axis<0>
#include <dcs/loss/detection.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 4>> scores;
  (void)dcs::loss::cross_entropy(scores, {0, 1});
}
