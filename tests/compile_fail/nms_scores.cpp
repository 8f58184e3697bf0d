// expect: dcs::nms: there must be one score for each box
// expect: nms_score_mismatch<dcs::found_extent<8>, dcs::expected_extent<9>, dcs::axis<0>
#include <dcs/ops/nms/nms.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<9, 4>> boxes;
  const dcs::tensor<float, dcs::shape<8>> scores;
  (void)dcs::nms(boxes, scores, 0.5);
}
