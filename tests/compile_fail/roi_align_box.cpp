// expect: dcs::roi_align: a RoI is five numbers (image, x1, y1, x2, y2) along axis 1
// expect: roi_align_box_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<1>
#include <dcs/ops/roi_align/roi_align.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 4>> y;
  dcs::roi_align<7>(x, y, {});
}
