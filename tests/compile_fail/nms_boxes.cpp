// expect: dcs::nms: a box is four numbers (x1, y1, x2, y2) along axis 1
// expect: nms_box_mismatch<dcs::found_extent<5>, dcs::expected_extent<4>, dcs::axis<1>
#include <dcs/ops/nms/nms.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<9, 5>> boxes;
  const dcs::tensor<float, dcs::shape<9>> scores;
  (void)dcs::nms(boxes, scores, 0.5);
}
