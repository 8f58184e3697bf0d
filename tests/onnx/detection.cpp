// RoIAlign of one map, of every level and of the level of a box, decoding, and pasting as nodes. Values are compared by onnxruntime (compare.py).
#include "check_export.hpp"

#include <dcs/detect/region_masks.hpp>
#include <dcs/models/mask_rcnn/training.hpp>
#include <dcs/onnx/detection.hpp>
#include <dcs/onnx/paste.hpp>

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
      "roi_align",
      [](const auto& x, const auto& r) {
        return roi_align<5>(x, rois_of(r), roi_options{0.25, 2, false});
      },
      input<map>("x"), input<numbers>("r"));
  exported(
      "roi_align_aligned",
      [](const auto& x, const auto& r) {
        return roi_align<3, 4>(x, rois_of(r), roi_options{0.25, 0, true});
      },
      input<map>("x"), input<numbers>("r"));
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

// Two levels with random objectness, the half of it equal, and deltas: hundreds of proposals that suppress each other.
TEST_CASE("proposals are chosen") {
  rpn_options o;
  o.anchors.scales = {16, 32, 64, 128, 256}, o.before_nms = 700;
  const auto call = [&](const auto& s2, const auto& d2, const auto& s3, const auto& d3) {
    const rpn_level p2{eval(relu(s2)), eval(d2 * 0.4)};
    const rpn_level p3{eval(relu(s3)), eval(d3 * 0.4)};
    if constexpr (std::is_same_v<device_t<decltype(s2)>, cpu_device>) {
      std::vector<float> corners;
      for (const auto& b : propose(o, false, 0, 64, 80, make_anchors<float>(o.anchors, 64, 80, p2, p3), p2, p3))
        corners.insert(corners.end(), {b.x1, b.y1, b.x2, b.y2});
      CHECK(corners.size() / 4 > 40);
      corners.insert(corners.end(), onnx::detail::empty_box, onnx::detail::empty_box + 4);
      return tensor<float, shape<dyn<"n">, 4>>::from(corners, {static_cast<extent_t>(corners.size() / 4), 4});
    } else {
      const auto found = onnx::propose(o, 64, 80, p2, p3).corners;
      return onnx::tensor_of<shape<dyn<"n">, 4>>(found, {onnx::traced_extent, 4});
    }
  };
  const auto file = exported("proposals", call, input<shape<1, 16, 20, 3>>("s2"), input<shape<1, 16, 20, 12>>("d2"), input<shape<1, 8, 10, 3>>("s3"),
                             input<shape<1, 8, 10, 12>>("d3"));
  CHECK(times(file, "NonMaxSuppression") == 2);
  CHECK(times(file, "TopK") == 3);
}

TEST_CASE("detections are chosen") {
  box_head_options o;
  o.most_detections = 6, o.score_threshold = 0.3;
  const auto call = [&](const auto& r, const auto& scores, const auto& deltas) {
    const auto corners = eval(boxes_of(r));
    const box_predictions p{scores, deltas};
    if constexpr (std::is_same_v<device_t<decltype(r)>, cpu_device>) {
      std::vector<box<float>> all;
      for (extent_t i = 0; i < corners.sizes()[0]; ++i) all.push_back({corners(i, 0), corners(i, 1), corners(i, 2), corners(i, 3)});
      std::vector<float> found;
      for (const auto& d : detections_of(o, all, 0, p, 150, 200)) found.insert(found.end(), {d.box.x1, d.box.y1, d.box.x2, d.box.y2, d.score * 100});
      CHECK(found.size() == 30);
      return tensor<float, shape<dyn<"n">, 5>>::from(found, {static_cast<extent_t>(found.size() / 5), 5});
    } else {
      const auto found = onnx::detections_of(o, onnx::value_of(corners), p, 150, 200);
      const auto b = onnx::tensor_of<shape<dyn<"n">, 4>>(found.corners, {onnx::traced_extent, 4});
      return concat<1>(b, onnx::tensor_of<shape<dyn<"n">, 1>>(found.scores, {onnx::traced_extent, 1}) * 100);
    }
  };
  exported("detections", call, input<numbers>("r"), input<shape<24, 2>>("scores"), input<shape<24, 8>>("deltas"));
}

// Five boxes, and the one for "none".
template <class X>
auto boxes_and_none(const X& x) {
  const auto none = tensor<float, shape<1, 4>, device_t<X>>::from(std::vector<float>{1, 1, 0, 0});
  return concat<0>(slice<0, 0, 5>(boxes_of(x)), none);
}
// Masks of 8 × 8 in these boxes, pasted by two functions of the same purpose.
template <class OnHost, class AsNodes>
void check_paste(const char* name, const OnHost& on_host, const AsNodes& as_nodes) {
  const auto call = [&](const auto& r, const auto& logits) {
    const auto corners = eval(boxes_and_none(r));
    const auto p = eval(sigmoid(logits));
    if constexpr (std::is_same_v<device_t<decltype(r)>, cpu_device>) {
      auto y = tensor<float, shape<1, 90, 110, 1>>::zeros();
      for (extent_t i = 0; i < 5; ++i)
        on_host(p.data() + i * 64, 8, box<float>{corners(i, 0), corners(i, 1), corners(i, 2), corners(i, 3)}, y.data(), 90, 110);
      CHECK(std::count_if(y.values().begin(), y.values().end(), [](float x) { return x > 0.2f; }) > 500);
      return y;
    } else {
      return onnx::tensor_of<shape<1, 90, 110, 1>>(as_nodes(onnx::value_of(p), onnx::value_of(corners), 90, 110), {1, 90, 110, 1});
    }
  };
  exported(name, call, input<shape<6, 4>>("r"), input<shape<6, 8, 8>>("logits"));
}
TEST_CASE("masks are pasted") {
  check_paste("paste", dcs::paste<float>, onnx::paste);
  const auto padded = [](const float* p, std::int64_t side, const box<float>& where, float* image, std::int64_t height, std::int64_t width) {
    const auto r = models::mask_rcnn::padded_region(p, side, {where, 1});
    paste(r.probabilities.data(), r.side, r.box, image, height, width);
  };
  check_paste("paste_padded", padded, onnx::paste_padded);
}
