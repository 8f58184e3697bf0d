// expect: dcs::resize: the input must have the four axes N,H,W,C
// expect: resize_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/ops/resize/resize.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<4, 4, 8>> x;
  (void)sizeof(dcs::detail::resize<dcs::resampling::nearest, dcs::shape<1, 2, 2, 8>>(x, 2, 2));
}
