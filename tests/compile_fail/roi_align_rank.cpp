// expect: dcs::roi_align: the feature map must have the four axes N,H,W,C
// expect: roi_align_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/ops/roi_align/roi_align.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 5>> y;
  dcs::roi_align<7>(x, y, {});
}
