// Mask R-CNN as a file, with a small backbone. Values are compared by onnxruntime (compare.py) with those of mask_rcnn_values.cpp.
#include "small_detector.hpp"

#include <dcs/onnx/mask_rcnn.hpp>

using namespace check;

TEST_CASE("Mask R-CNN as a file") {
  models::mask_rcnn::network<small_backbone, 8> net;
  randomize(net);
  check_files(net, "mask_rcnn", 4);
}
