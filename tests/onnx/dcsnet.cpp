// DCSNet as a file, from the image to its mask and objects. Its stages are small here; those of the library are in detector.cpp and
// segmentation_head.cpp. Values are compared by onnxruntime (compare.py) with those of dcsnet_values.cpp.
#include "small_detector.hpp"

#include <dcs/onnx/dcsnet.hpp>

using namespace check;

TEST_CASE("DCSNet as a file") {
  dcsnet<small_backbone, models::dcsnet::dghc<32>, models::dcsnet::mean_fusion, 8> net;
  randomize(net);
  check_files(net, "dcsnet", 4);
}
