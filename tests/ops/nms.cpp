#include <dcs/core/philox.hpp>
#include <dcs/ops/nms/nms.hpp>

#include "goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
double iou(const double* a, const double* b) {
  const double w = std::max(0.0, std::min(a[2], b[2]) - std::max(a[0], b[0])), h = std::max(0.0, std::min(a[3], b[3]) - std::max(a[1], b[1]));
  return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}
}  // namespace

TEST_CASE("non-maximum suppression equals its definition on every instruction set") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (std::int64_t n : {0, 1, 2, 17, 200}) {
      const random_stream r{static_cast<std::uint64_t>(n), 1};
      std::vector<double> boxes, scores;
      std::vector<std::int64_t> group;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto k = static_cast<std::uint64_t>(i) * 8;
        const double x = r.uniform(k) * 50.0, y = r.uniform(k + 1) * 50.0;
        boxes.insert(boxes.end(), {x, y, x + 5 + r.uniform(k + 2) * 20.0, y + 5 + r.uniform(k + 3) * 20.0});
        scores.push_back(r.below(k + 4, 30));  // with ties
        group.push_back(r.below(k + 5, 2));
      }
      for (bool grouped : {false, true}) {
        std::vector<std::int64_t> order(static_cast<std::size_t>(n)), wanted;
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(),
                         [&](auto a, auto b) { return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)]; });
        for (auto i : order) {
          bool keep = true;
          for (auto k : wanted)
            if ((!grouped || group[static_cast<std::size_t>(k)] == group[static_cast<std::size_t>(i)]) &&
                iou(&boxes[static_cast<std::size_t>(k) * 4], &boxes[static_cast<std::size_t>(i) * 4]) > 0.4)
              keep = false;
          if (keep) wanted.push_back(i);
        }
        CHECK(nms(boxes.data(), scores.data(), n, 0.4, grouped ? group.data() : nullptr) == wanted);
      }
    }
  }
}

TEST_CASE("non-maximum suppression of tensors") {
  const auto boxes = tensor<float, shape<3, 4>>::from(std::vector<float>{0, 0, 10, 10, 1, 0, 11, 10, 20, 0, 30, 10});
  const auto scores = tensor<float, shape<3>>::from(std::vector<float>{0.5f, 0.9f, 0.7f});
  CHECK(nms(boxes, scores, 0.5) == std::vector<std::int64_t>{1, 2});
  CHECK(nms(boxes, scores, 0.9) == std::vector<std::int64_t>{1, 2, 0});
  const auto none = tensor<float, shape<dyn<"box">, 4>>::empty({0, 4});
  CHECK(nms(none, tensor<float, shape<dyn<"box">>>::empty({0}), 0.5).empty());
  const auto two = tensor<float, shape<dyn<"box">>>::empty({2});
  CHECK_THROWS_WITH_AS(nms(none, two, 0.5), "dcs::nms: 2 scores for 0 boxes; expected one each", error);
}

TEST_CASE_TEMPLATE("non-maximum suppression equals torchvision's, with ties, empty boxes and IoUs at the threshold", T, float, double) {
  const auto file = test::goldens("nms");
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (int i = 0; i < 6; ++i) {
      CAPTURE(i);
      const std::string number = std::to_string(i), name = number + (sizeof(T) == 4 ? ".f32/" : ".f64/");
      const auto boxes = file.at(name + "boxes").as<T>(), scores = file.at(name + "scores").as<T>();
      const auto group = file.at(number + "/group").as<std::int64_t>();
      const double threshold = file.at(number + "/threshold").as<double>().at(0);
      const auto n = static_cast<std::int64_t>(scores.size());
      CHECK(nms(boxes.data(), scores.data(), n, threshold) == file.at(name + "kept").as<std::int64_t>());
      CHECK(nms(boxes.data(), scores.data(), n, threshold, group.data()) == file.at(name + "kept_by_group").as<std::int64_t>());
    }
  }
}

TEST_CASE("a score that is not a number is an error") {
  const float boxes[8] = {0, 0, 1, 1, 0, 0, 1, 1}, scores[2] = {1, NAN};
  CHECK_THROWS_WITH_AS(nms(boxes, scores, 2, 0.5), doctest::Contains("box 1"), error);
}

TEST_CASE("an IoU is compared with the threshold as numbers: 0.3 rounded to float is above 0.3") {
  const float f[8] = {0, 0, 10, 1, 0, 0, 3, 1}, f_scores[2] = {2, 1};
  CHECK(nms(f, f_scores, 2, 0.3).size() == 1);
  const double d[8] = {0, 0, 10, 1, 0, 0, 3, 1}, d_scores[2] = {2, 1};
  CHECK(nms(d, d_scores, 2, 0.3).size() == 2);
}
