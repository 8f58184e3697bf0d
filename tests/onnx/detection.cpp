// RoIAlign of one map, of every level and of the level of a box, decoding, and pasting as nodes. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

#include <dcs/detect/region_masks.hpp>
#include <dcs/onnx/detection.hpp>

using namespace check;
using onnx::input;

using map = shape<1, 40, 50, 4>;
using numbers = shape<24, 4>;

// Boxes from random numbers: of sides from a pixel to hundreds, some of which reach beyond the image.
template <class X>
auto boxes_of(const X& x) {
  const auto low = eval(abs(slice<1, 0, 2>(x)) * 60 - 10);
  return concat<1>(low, low + exp(slice<1, 2, 2>(x) * 1.5) * 40);
}
template <class X>
auto rois_of(const X& x) {
  return pad<1, 1, 0>(boxes_of(x));
}

TEST_CASE("RoIAlign of one map") {
  exported(
      "roi_align", [](const auto& x, const auto& r) { return roi_align<5>(x, rois_of(r), roi_options{0.25, 2, false}); }, input<map>("x"),
      input<numbers>("r"));
  exported(
      "roi_align_aligned", [](const auto& x, const auto& r) { return roi_align<3, 4>(x, rois_of(r), roi_options{0.25, 0, true}); }, input<map>("x"),
      input<numbers>("r"));
}

TEST_CASE("boxes are pooled from the level of their size") {
  const auto call = [](const auto& p2, const auto& p3, const auto& p4, const auto& p5, const auto& r) {
    const std::tuple pyramid(p2, p3, p4, p5);
    const auto corners = eval(boxes_of(r));
    if constexpr (std::is_same_v<device_t<decltype(r)>, cpu_device>) {
      std::vector<box<float>> all;
      std::array<int, 4> levels{};
      for (extent_t i = 0; i < corners.sizes()[0]; ++i) all.push_back({corners(i, 0), corners(i, 1), corners(i, 2), corners(i, 3)});
      for (const auto& b : all) ++levels[static_cast<std::size_t>(pooling_level(b))];
      CHECK(std::count(levels.begin(), levels.end(), 0) <= 1);
      return dcs::pool_boxes<7>(std::vector<std::vector<box<float>>>{all}, pyramid, 160);
    } else {
      return onnx::pool_boxes<7>(onnx::value_of(corners), pyramid, 160);
    }
  };
  exported("pool_boxes", call, input<shape<1, 40, 50, 4>>("p2"), input<shape<1, 20, 25, 4>>("p3"), input<shape<1, 10, 13, 4>>("p4"),
           input<shape<1, 5, 7, 4>>("p5"), input<numbers>("r"));
}

TEST_CASE("masks are pasted") {
  const auto call = [](const auto& r, const auto& logits) {
    const auto corners = eval(boxes_of(r));
    const auto p = eval(sigmoid(logits));
    if constexpr (std::is_same_v<device_t<decltype(r)>, cpu_device>) {
      auto y = tensor<float, shape<1, 90, 110, 1>>::zeros();
      for (extent_t i = 0; i < 3; ++i)
        dcs::paste(p.data() + i * 64, 8, box<float>{corners(i, 0), corners(i, 1), corners(i, 2), corners(i, 3)}, y.data(), 90, 110);
      return y;
    } else {
      return onnx::tensor_of<shape<1, 90, 110, 1>>(onnx::paste(onnx::value_of(p), onnx::value_of(corners), 90, 110), {1, 90, 110, 1});
    }
  };
  exported("paste", call, input<shape<3, 4>>("r"), input<shape<3, 8, 8>>("logits"));
}
