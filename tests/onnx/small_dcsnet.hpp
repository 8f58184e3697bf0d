// A small DCSNet and the cases in which it is exported. What dcs predicts (dcsnet_values.cpp) and the files (dcsnet.cpp) are two programs, as a
// network for two devices takes long to compile.
#pragma once

#include "check_export.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>

namespace check {

// A backbone of five convolutions.
struct small_backbone {
  static constexpr std::array channels{8, 8, 8, 8};
  nn::conv2d<3, 8, 3, 2, 1> stem;
  std::array<nn::conv2d<8, 8, 3, 2, 1>, 4> convs;
  DCS_MEMBERS(stem, convs)
  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto c2 = eval(relu(convs[0](eval(relu(stem(x))))));
    const auto c3 = eval(relu(convs[1](c2)));
    const auto c4 = eval(relu(convs[2](c3)));
    return std::tuple(c2, c3, c4, eval(relu(convs[3](c4))));
  }
};
using small_dcsnet = dcsnet<small_backbone, models::dcsnet::dghc<32>, models::dcsnet::mean_fusion, 8>;
using picture = shape<1, 64, 128, 3>;

struct dcsnet_case {
  const char* name;
  std::size_t objects;  // that dcs finds
  models::dcsnet::options options;
};
/// With detections; with fewer proposals than may be kept; without an object; without a proposal.
inline std::vector<dcsnet_case> dcsnet_cases() {
  std::vector<dcsnet_case> all;
  models::dcsnet::options o;
  o.detector.rpn.anchors.scales = {8, 16, 32, 64, 128};
  o.detector.rpn.before_nms = 100, o.detector.rpn.after_nms = 50, o.detector.rpn.nms_threshold = 0.5;
  o.detector.box.score_threshold = 0.0, o.detector.box.most_detections = 5;
  all.push_back({"dcsnet", 5, o});
  o.detector.rpn.before_nms = 3, o.detector.rpn.after_nms = 1000, o.detector.box.nms_threshold = 0.1;
  all.push_back({"dcsnet_few_proposals", 5, o});
  o.detector.box.score_threshold = 1.0;
  all.push_back({"dcsnet_no_object", 0, o});
  o.detector.box.score_threshold = 0.0, o.detector.rpn.smallest_side = 1000;
  all.push_back({"dcsnet_no_proposal", 0, o});
  return all;
}

}  // namespace check
