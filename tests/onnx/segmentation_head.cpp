// The segmentation head of DCSNet on given crops, of any number: attention over tokens, decoder and fusion. Values are compared by onnxruntime
// (compare.py).
#include "check_export.hpp"

#include <dcs/models/dcsnet/segmentation_head.hpp>

using namespace check;
using onnx::input;

template <extent_t Side>
using crop = input<shape<dyn<"roi">, Side, Side, 16>>;

TEST_CASE("the segmentation head") {
  models::dcsnet::segmentation_head<16, 32, models::dcsnet::msfa<1, 4>> head;
  randomize(head);
  const auto call = [](const auto& net, const auto&... crops) {
    const auto all = net(std::tuple(crops...), true);
    return std::tuple(all.main, all.edge, all.levels[3]);
  };
  const auto file =
      exported("segmentation_head", head, call, {"main", "edge", "level_5"}, crop<32>("p2"), crop<16>("p3"), crop<8>("p4"), crop<4>("p5"));
  CHECK(file.data.contains("position_embedding"));
  CHECK(file.data.contains("transformer.0.linear1.weight"));
  CHECK(times(file, "LayerNormalization") == 2);
}
