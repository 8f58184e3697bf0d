// What dcs predicts in the cases of mask_rcnn.cpp.
#include "small_detector.hpp"

#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

using namespace check;

TEST_CASE("Mask R-CNN: the predictions that its files are compared with") {
  models::mask_rcnn::network<small_backbone, 8> net;
  randomize(net);
  check_values(net, "mask_rcnn");
}
