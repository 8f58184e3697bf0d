// The detector over a backbone of the user's own, so small that it compiles in seconds; the whole network is compared with the reference in
// tests/compare.
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/expr/gradcheck.hpp>
#include <dcs/models/dcsnet/stages.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct tiny_backbone {
  static constexpr std::array<int, 4> channels{8, 8, 8, 8};
  nn::conv2d<3, 8, 4, 4, 1> stem;
  nn::conv2d<8, 8, 2, 2, 0> down;
  DCS_MEMBERS(stem, down)

  template <operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = eval(relu(stem(images)));
    const auto c3 = eval(relu(down(c2)));
    const auto c4 = eval(relu(down(c3)));
    return std::tuple(c2, c3, c4, eval(relu(down(c4))));
  }
};

using images_t = shape<dyn<"batch">, 64, 96, 3>;
using net_t = faster_rcnn<tiny_backbone, 8, models::dcsnet::stages>;

const net_t& net() {
  static const net_t n = [] {
    net_t m;
    initialize<double>(m, 7);
    return m;
  }();
  return n;
}

tensor<double, images_t> images(extent_t n) { return random_normal<double, images_t>({n, 64, 96, 3}, {2, 2}); }

}  // namespace

TEST_CASE("losses are finite with and without ground truth, and the same stream gives the same bits; another stream gives others") {
  const auto p = net().features(images(2));
  const std::vector<std::vector<box<double>>> truth{{{10, 12, 44, 40}, {20, 5, 62, 60}}, {}};
  auto run = [&](random_stream random) { return net().losses<double>(p, 64, 96, truth, {}, random); };
  const auto a = run({1, 1}), b = run({1, 1}), c = run({1, 2});
  CHECK(std::isfinite(a.total().item()));
  CHECK(a.objectness.item() > 0);
  CHECK(a.total().item() == b.total().item());
  CHECK(a.objectness.item() != c.objectness.item());
  REQUIRE(a.proposals.size() == 2);
  for (const auto& image : a.proposals) {
    CHECK(!image.empty());
    for (const auto& x : image) CHECK((x.x1 >= 0 && x.y1 >= 0 && x.x2 <= 96 && x.y2 <= 64 && x.width() >= 1e-3 && x.height() >= 1e-3));
  }
  CHECK(a.proposals == c.proposals);
}

TEST_CASE("ground truth that torchvision rejects is an error") {
  const auto p = net().features(images(2));
  auto run = [&](std::vector<std::vector<box<double>>> truth) { return net().losses<double>(p, 64, 96, truth, {}, {}); };
  CHECK_THROWS_WITH_AS(run({{}}), doctest::Contains("ground truth of 1 images; expected 2"), error);
  CHECK_THROWS_WITH_AS(run({{}, {{3, 3, 3, 9}}}), doctest::Contains("a true box of image 1 is 0"), error);
  CHECK_THROWS_AS(run({{{9, 3, 3, 9}}, {}}), error);
  CHECK_THROWS_AS(run({{{3, 3, NAN, 9}}, {}}), error);
}

TEST_CASE("detections: at most three, by falling score, inside the image; none for an empty batch") {
  detector_options o;
  o.box.score_threshold = 0.01;
  const auto found = net().detect<double>(net().features(images(2)), 64, 96, o);
  REQUIRE(found.size() == 2);
  for (const auto& image : found) {
    REQUIRE(image.size() == 3);
    CHECK((image[0].score >= image[1].score && image[1].score >= image[2].score && image[2].score > 0.01));
    for (const auto& d : image) CHECK((d.box.x1 >= 0 && d.box.y1 >= 0 && d.box.x2 <= 96 && d.box.y2 <= 64));
  }
  o.box.score_threshold = 1;
  for (const auto& image : net().detect<double>(net().features(images(1)), 64, 96, o)) CHECK(image.empty());
  CHECK(net().detect<double>(net().features(images(0)), 64, 96, {}).empty());
}
