// expect: dcs::resize: the map whose size is taken must have as many axes as the input; number of axes
// expect: resize_like_rank_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<0>
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 4, 8>> x;
  const dcs::tensor<float, dcs::shape<1, 8, 8, 8>> other;
  dcs::resize_trilinear_like<dcs::corners::aligned>(x, other);
}
