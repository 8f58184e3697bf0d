// ResNet with its pyramid and the head of the RPN on every level. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

#include <dcs/detect/rpn.hpp>
#include <dcs/models/fpn/fpn.hpp>
#include <dcs/models/resnet/resnet.hpp>

using namespace check;
using onnx::input;

struct dense_parts {
  resnet<18, nn::batch_norm> body;
  fpn<8, 64, 128, 256, 512> pyramid;
  rpn_head<8> head;
  DCS_MEMBERS(body, pyramid, head)
  template <operand X>
  constexpr auto operator()(const X& images) const {
    return std::apply([&](const auto&... level) { return std::tuple(std::tuple(head(level).objectness, head(level).deltas)...); },
                      pyramid(body(images)));
  }
};

TEST_CASE("backbone, pyramid and the head of the RPN") {
  dense_parts net;
  randomize(net);
  std::vector<std::string> names;
  for (const char* level : {"2", "3", "4", "5", "6"})
    for (const char* what : {"objectness_", "deltas_"}) names.push_back(std::string(what) + level);
  const auto file = exported_network("dense_parts", net, names, input<shape<dyn<"batch">, 64, 96, 3>>("images"));
  CHECK(times(file, "Conv") == 20 + 8 + 15);  // the head is applied to each level once: equal nodes are one node
  CHECK(times(file, "Transpose") == 1 + 10);
  CHECK(file.data.contains("body.layer4.1.bn2.running_var"));
}
