// What dcs predicts in the cases of dcsnet.cpp.
#include "small_detector.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

using namespace check;

TEST_CASE("DCSNet: the predictions that its files are compared with") {
  dcsnet<small_backbone, models::dcsnet::dghc<32>, models::dcsnet::mean_fusion, 8> net;
  randomize(net);
  check_values(net, "dcsnet");
}
