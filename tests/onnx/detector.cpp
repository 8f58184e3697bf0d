// ResNet with its pyramid. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

#include <dcs/models/fpn/fpn.hpp>
#include <dcs/models/resnet/resnet.hpp>

using namespace check;
using onnx::input;

struct dense_parts {
  resnet<18, nn::batch_norm> body;
  fpn<8, 64, 128, 256, 512> pyramid;
  DCS_MEMBERS(body, pyramid)
  template <operand X>
  constexpr auto operator()(const X& images) const {
    return pyramid(body(images));
  }
};

TEST_CASE("backbone and pyramid") {
  dense_parts net;
  randomize(net);
  const auto file = exported_network("dense_parts", net, {"p2", "p3", "p4", "p5", "p6"}, input<shape<dyn<"batch">, 64, 96, 3>>("images"));
  CHECK(times(file, "Conv") == 20 + 8);
  CHECK(times(file, "Transpose") == 1 + 5);  // of the images, and of the outputs
  CHECK(file.data.contains("body.layer4.1.bn2.running_var"));
}
