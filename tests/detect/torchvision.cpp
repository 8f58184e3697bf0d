// The detector's pieces and both of its stages against torchvision's: tests/goldens/detect.py.
#include <dcs/detect/box_head.hpp>
#include <dcs/detect/rpn.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

const io::safetensors& golden() {
  static const io::safetensors file = test::goldens("detect");
  return file;
}

template <class T>
std::vector<box<T>> boxes_of(const std::string& name) {
  const auto v = golden().at(name).as<T>();
  std::vector<box<T>> b;
  for (std::size_t i = 0; i + 3 < v.size(); i += 4) b.push_back({v[i], v[i + 1], v[i + 2], v[i + 3]});
  return b;
}

template <class T>
std::vector<T> flat(const std::vector<box<T>>& boxes) {
  std::vector<T> v;
  for (const auto& b : boxes) v.insert(v.end(), {b.x1, b.y1, b.x2, b.y2});
  return v;
}

template <class X>
double off_by(const X& found, const std::string& name) {
  return test::relative_error(found, golden().at(name).as<double>());
}

std::vector<double> vector_of(const auto& t) { return {t.data(), t.data() + t.size()}; }

template <class T>
constexpr const char* kind = sizeof(T) == 4 ? "f32" : "f64";

template <int C>
using level_map = shape<2, dyn<"h">, dyn<"w">, C>;

template <int C>
auto leaf(const std::string& name) {
  const auto& stored = golden().at(name);
  return var<double, level_map<C>>::leaf(tensor<double, level_map<C>>::from(stored.as<double>(), {2, stored.shape[1], stored.shape[2], C}));
}

// The five levels as the RPN's head would give them, to be differentiated.
auto rpn_levels() {
  auto level = [](int i) {
    const std::string at = "." + std::to_string(i);
    return rpn_level<var<double, level_map<3>>, var<double, level_map<12>>>{leaf<3>("rpn/objectness" + at), leaf<12>("rpn/deltas" + at)};
  };
  return std::array{level(0), level(1), level(2), level(3), level(4)};
}

constexpr extent_t height = 64, width = 96;

}  // namespace

TEST_CASE_TEMPLATE("coder equals torchvision's", T, float, double) {
  const auto reference = boxes_of<T>("coder/reference"), target = boxes_of<T>("coder/target");
  const auto delta = golden().at("coder/delta").as<T>();
  for (const bool first : {true, false}) {
    CAPTURE(first);
    const auto& coder = first ? rpn_coder : box_head_coder;
    const std::string name = std::string(first ? "coder/rpn." : "coder/box.") + kind<T>;
    std::vector<T> encoded(delta.size()), decoded;
    for (std::size_t i = 0; i < reference.size(); ++i) {
      coder.encode(reference[i], target[i], encoded.data() + 4 * i);
      const auto b = coder.decode(reference[i], delta.data() + 4 * i);
      decoded.insert(decoded.end(), {b.x1, b.y1, b.x2, b.y2});
    }
    CHECK(off_by(encoded, name + "/encoded") < test::tolerance<T>);
    CHECK(off_by(decoded, name + "/decoded") < test::tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("matcher equals torchvision's, ties included", T, float, double) {
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const std::string number = "matcher/" + std::to_string(i), name = number + "." + kind<T>;
    const auto truth = boxes_of<T>(number + "/truth"), boxes = boxes_of<T>(number + "/boxes");
    std::vector<T> overlap;
    for (const auto& t : truth)
      for (const auto& b : boxes) overlap.push_back(iou(t, b));
    CHECK(overlap == golden().at(name + "/iou").as<T>());
    auto wanted = [&](const char* rule) {
      const auto v = golden().at(name + rule).as<std::int64_t>();
      return std::vector<int>(v.begin(), v.end());
    };
    CHECK(match(truth, boxes, 0.7, 0.3, true) == wanted("/rpn"));
    CHECK(match(truth, boxes, 0.5, 0.5, false) == wanted("/box"));
  }
}

TEST_CASE("levels equal torchvision's, at and beside their borders") {
  std::vector<std::int64_t> level;
  for (const auto& b : boxes_of<double>("level/boxes")) level.push_back(pooling_level(b));
  CHECK(level == golden().at("level/level").as<std::int64_t>());
}

TEST_CASE("RPN equals torchvision's: anchors of uneven levels, proposals, losses and gradients, with an image without ground truth") {
  const auto levels = rpn_levels();
  std::apply(
      [&](const auto&... l) {
        const auto anchors = make_anchors<double>({}, height, width, l...);
        CHECK(flat(anchors.boxes) == golden().at("rpn/anchors").as<double>());

        rpn_options o;
        o.before_nms_training = 300, o.before_nms = 30, o.after_nms_training = 150, o.after_nms = 60;
        o.sampler = box_sampler::everything(0.5);
        for (extent_t n = 0; n < 2; ++n) {
          CAPTURE(n);
          CHECK(off_by(flat(propose(o, true, n, height, width, anchors, l...)), "rpn/training." + std::to_string(n)) < 1e-12);
          CHECK(off_by(flat(propose(o, false, n, height, width, anchors, l...)), "rpn/testing." + std::to_string(n)) < 1e-12);
        }

        const std::vector<std::vector<box<double>>> truth{boxes_of<double>("rpn/truth"), {}};
        const auto losses = rpn_loss(o, anchors, truth, {1, 1}, l...);
        CHECK(losses.objectness.item() == doctest::Approx(golden().at("rpn/loss_objectness").as<double>()[0]).epsilon(1e-12));
        CHECK(losses.box.item() == doctest::Approx(golden().at("rpn/loss_rpn_box_reg").as<double>()[0]).epsilon(1e-12));
        backward(eval(losses.objectness + losses.box));
      },
      levels);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    CAPTURE(i);
    CHECK(off_by(vector_of(levels[i].objectness.grad()), "rpn/grad.objectness." + std::to_string(i)) < 1e-12);
    CHECK(off_by(vector_of(levels[i].deltas.grad()), "rpn/grad.deltas." + std::to_string(i)) < 1e-12);
  }
}

TEST_CASE("box head equals torchvision's: sampled boxes and their targets, losses and gradients, detections") {
  box_head_options o;
  o.sampler = box_sampler::everything(0.25);
  const std::vector<std::vector<box<double>>> truth{boxes_of<double>("rpn/truth"), {}};
  const auto targets = sample_boxes(o, {boxes_of<double>("rpn/training.0"), boxes_of<double>("rpn/training.1")}, truth, {1, 1});
  std::vector<double> regression;
  for (std::size_t n = 0; n < 2; ++n) {
    CAPTURE(n);
    const std::string at = "." + std::to_string(n);
    CHECK(flat(targets.boxes[n]) == golden().at("box/proposals" + at).as<double>());
    const auto matched = golden().at("box/matched" + at).as<std::int64_t>();
    CHECK(targets.matched[n] == std::vector<int>(matched.begin(), matched.end()));
    const auto part = golden().at("box/regression" + at).as<double>();
    regression.insert(regression.end(), part.begin(), part.end());
  }
  const auto labels = golden().at("box/labels").as<std::int64_t>();
  CHECK(targets.labels == std::vector<int>(labels.begin(), labels.end()));
  CHECK(test::relative_error(targets.deltas, regression) < 1e-12);

  const auto count = static_cast<extent_t>(labels.size());
  using scores_t = shape<dyn<"proposal">, 2>;
  using deltas_t = shape<dyn<"proposal">, 8>;
  const auto scores = var<double, scores_t>::leaf(tensor<double, scores_t>::from(golden().at("box/logits").as<double>(), {count, 2}));
  const auto deltas = var<double, deltas_t>::leaf(tensor<double, deltas_t>::from(golden().at("box/deltas").as<double>(), {count, 8}));
  const box_predictions<var<double, scores_t>, var<double, deltas_t>> predictions{scores, deltas};
  const auto losses = box_loss(targets, predictions);
  CHECK(losses.classifier.item() == doctest::Approx(golden().at("box/loss_classifier").as<double>()[0]).epsilon(1e-12));
  CHECK(losses.box.item() == doctest::Approx(golden().at("box/loss_box_reg").as<double>()[0]).epsilon(1e-12));
  backward(eval(losses.classifier + losses.box));
  CHECK(off_by(vector_of(scores.grad()), "box/grad.logits") < 1e-12);
  CHECK(off_by(vector_of(deltas.grad()), "box/grad.deltas") < 1e-12);

  extent_t first = 0;
  for (std::size_t n = 0; n < 2; ++n) {
    CAPTURE(n);
    const auto found = detections_of(o, targets.boxes[n], first, predictions, height, width);
    first += static_cast<extent_t>(targets.boxes[n].size());
    std::vector<box<double>> boxes;
    std::vector<double> score;
    for (const auto& d : found) boxes.push_back(d.box), score.push_back(d.score);
    CHECK(off_by(flat(boxes), "box/found." + std::to_string(n)) < 1e-12);
    CHECK(off_by(score, "box/score." + std::to_string(n)) < 1e-12);
  }
}
