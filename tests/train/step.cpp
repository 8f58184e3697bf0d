// What a step and a prediction do beyond the usual: regions that are whole images (Table 5 without DGHC), and test-time augmentation.
#include "../models/dcsnet/tiny.hpp"

#include <dcs/train/views.hpp>

#include <doctest/doctest.h>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

constexpr extent_t side = 64;
using whole_net = dcsnet<user::strided_backbone, whole_image<32>, mean_fusion, 8>;
using region_net = dcsnet<user::strided_backbone, dghc<32>, mean_fusion, 8>;

template <class Net>
std::unique_ptr<Net> initialized(std::uint64_t seed) {
  auto net = std::make_unique<Net>();
  initialize(*net, seed);
  return net;
}
// Two images with an object and one without.
batch images() {
  const user::discs data;
  auto none = data.load(2);
  std::fill(none.truth.pixels.begin(), none.truth.pixels.end(), std::uint8_t{0});
  return make_batch({data.load(0), data.load(1), none}, {});
}
const std::vector<std::vector<box<float>>> whole(3, {{0, 0, side, side}});

template <class Net>
std::vector<float> gradients(const Net& net) {
  std::vector<float> all;
  for_each_parameter(net, [&](const std::string&, const parameter_base& p) {
    if (!p.has_gradient()) return;
    const auto* g = static_cast<const float*>(p.gradient().data());
    all.insert(all.end(), g, g + p.size());
  });
  return all;
}

}  // namespace

TEST_CASE("with whole images as regions every image is one region, with an object or without") {
  auto net = initialized<whole_net>(3), other = initialized<whole_net>(3);
  const auto b = images();
  REQUIRE(b.boxes[2].empty());
  const auto l = train_step(*net, b, {}, {5, 5});
  const random_scope dropout(random_stream{5, 5});
  const auto given =
      models::dcsnet::training_losses(*other, var<float, image_shape>(b.images), detail::placed_targets<precision<>>(b), {}, {5, 5}, &whole);
  backward(loss::total(given));
  CHECK(user::regions(l) == 3);
  CHECK((std::isfinite(l.total) && user::term(l, "main") > 0 && user::term(l, "levels") > 0 && user::term(l, "edge") > 0 &&
         user::term(l, "objectness") > 0));
  CHECK(l.total == static_cast<double>(loss::total(given).item()));
  CHECK(user::term(l, "main") == static_cast<double>(given.values[0].item()));
  const auto g = gradients(*net);
  REQUIRE(!g.empty());
  CHECK(g == gradients(*other));  // no region is chosen or jittered

  const auto validation = validate_batch(*net, b, {}).first;
  CHECK(user::regions(validation) == 3);  // the region net has no region in the image without an object
  CHECK(user::regions(validate_batch(*initialized<region_net>(3), b, {}).first) == 2);
  CHECK((std::isfinite(validation.total) && user::term(validation, "main") > 0));
}

TEST_CASE("with whole images as regions a network trains, and predicts the whole image without asking the detector") {
  auto net = initialized<whole_net>(3);
  adamw optimizer(named_parameters(*net), {3e-3, 0.9, 0.999, 1e-8, 1e-4, 0});
  const auto b = images();
  std::vector<step_losses> losses;
  for (int step = 0; step < 8; ++step) {
    optimizer.clear_gradients();
    losses.push_back(train_step(*net, b, {}, {5, 5}));
    optimizer.step();
  }
  CHECK(losses.back().total < 0.9 * losses[0].total);
  CHECK(user::term(losses.back(), "main") < user::term(losses[0], "main"));

  const auto found = predict(*net, b.images, {}), given = predict(*net, b.images, {}, whole);
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(found[i].detections.size() == 1);
    CHECK(found[i].detections[0].box == box<float>{0, 0, side, side});
    CHECK(found[i].detections[0].score == 1);
    REQUIRE(found[i].probability.size() == side * side);
    for (float p : found[i].probability) CHECK((p > 0 && p < 1));  // every pixel is of the region
    CHECK(found[i].probability == given[i].probability);
  }
  CHECK(found[0].probability != found[1].probability);
}

namespace {

// predict_views by hand: each flip of the images predicted alone, and its map turned back.
template <class Net>
void check_views(const Net& net, const tensor<float, image_shape>& x, const typename Net::options& o) {
  const auto n = static_cast<std::size_t>(x.sizes()[0]);
  const auto turned = [](extent_t i, bool yes) { return yes ? side - 1 - i : i; };
  const auto views = predict_views(net, x, o);
  REQUIRE(views.size() == n);
  std::size_t at = 0;
  for (const auto& [horizontal, vertical] : {std::pair(false, false), std::pair(true, false), std::pair(false, true), std::pair(true, true)}) {
    const auto flipped = tensor<float, image_shape>::empty(x.sizes());
    for (extent_t i = 0; i < x.sizes()[0]; ++i)
      for (extent_t p = 0; p < side * side * 3; ++p) {
        const extent_t row = p / 3 / side, column = p / 3 % side;
        flipped(i, turned(row, vertical), turned(column, horizontal), p % 3) = x(i, row, column, p % 3);
      }
    const auto found = predict(net, flipped, o);
    for (std::size_t i = 0; i < n; ++i) {
      REQUIRE(views[i].size() == mirrored_views);
      std::vector<float> map;
      for (extent_t p = 0; p < side * side; ++p)
        map.push_back(found[i].probability[static_cast<std::size_t>(turned(p / side, vertical) * side + turned(p % side, horizontal))]);
      CHECK(views[i][at].probability == map);
      CHECK(views[i][at].detections.size() == found[i].detections.size());
      CHECK(views[i][at].regions.size() == found[i].regions.size());
    }
    ++at;
  }
}

}  // namespace

TEST_CASE("test-time augmentation fuses the predictions of the four flips, turned back") {
  const auto b = images();
  const auto whole_images = initialized<whole_net>(4);
  check_views(*whole_images, b.images, {});
  const auto views = predict_views(*whole_images, b.images, {});
  const auto mean = predict_augmented(*whole_images, b.images, {});
  for (std::size_t i = 0; i < mean.size(); ++i) {
    CHECK(mean[i].detections.size() == 1);  // the whole image, which every view has
    CHECK(mean[i].detections[0].score == doctest::Approx(1));
    double worst = 0;
    for (std::size_t p = 0; p < mean[i].probability.size(); ++p) {
      double sum = 0;
      for (const auto& v : views[i]) sum += static_cast<double>(v.probability[p]);
      worst = std::max(worst, std::abs(static_cast<double>(mean[i].probability[p]) - sum / 4));
    }
    CHECK(worst < 0.05);  // a mirrored region is read between its cells
  }

  const auto net = initialized<region_net>(4);
  check_views(*net, b.images, {});
  const auto found = predict(*net, b.images, {}), augmented = predict_augmented(*net, b.images, {});
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(!found[i].detections.empty());
    CHECK(found[i].probability != augmented[i].probability);
    // No pixel that a view segments is erased because other views saw no box there: a fused region has the views that do.
    CHECK(augmented[i].regions.size() == augmented[i].detections.size());
    CHECK(!augmented[i].regions.empty());
  }

  region_net::options none;
  none.detector.box.score_threshold = 1.5;
  check_views(*net, b.images, none);
  for (const auto& p : predict_augmented(*net, b.images, none)) {
    CHECK(p.detections.empty());
    CHECK(std::all_of(p.probability.begin(), p.probability.end(), [](float v) { return v == 0; }));
  }
}

namespace {

// Boxes of an image, some of them over one another, more than are segmented at once.
std::vector<box<float>> many_boxes(std::int64_t count) {
  std::vector<box<float>> boxes;
  const random_stream random{31, 1};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = [&](std::uint64_t k) { return 44 * random.uniform(4 * static_cast<std::uint64_t>(i) + k); };
    boxes.push_back({at(0), at(1), at(0) + 6 + at(2) / 4, at(1) + 6 + at(3) / 4});
  }
  return boxes;
}
// Bytes in use at the highest while body() runs, beside those before.
template <class Body>
double peak_of(const Body& body) {
  auto& memory = host_allocator::get();
  memory.reset_statistics();
  const auto before = memory.statistics().live_bytes;
  body();
  return static_cast<double>(memory.statistics().peak_bytes - before);
}

}  // namespace

TEST_CASE("validation and prediction of many boxes are what they are where all are segmented at once") {
  auto net = initialized<region_net>(5);
  auto b = images();
  b.boxes = {many_boxes(23), {}, many_boxes(18)};
  const auto found = validate_batch(*net, b, {}).first;
  CHECK(user::regions(found) == 41);

  const auto pyramid = net->detector.features(b.images);
  const auto rois = make_rois<dyn<"roi">>(b.boxes);
  const auto maps = net->segment(pyramid, rois);
  const auto wanted = total_loss(maps, region_targets<32>(b.masks, rois));
  const auto term = [&](const std::string& name) {
    return found.terms[static_cast<std::size_t>(std::find(loss_names.begin(), loss_names.end(), name) - loss_names.begin())];
  };
  CHECK(term("main") == doctest::Approx(static_cast<double>(wanted.main.item())).epsilon(1e-5));
  CHECK(term("levels") == doctest::Approx(static_cast<double>(wanted.levels.item())).epsilon(1e-5));
  const loss_options weights;
  CHECK(term("edge") == doctest::Approx(weights.edge * static_cast<double>(wanted.edge.item())).epsilon(1e-5));
  CHECK(term("consistency") == doctest::Approx(weights.consistency * static_cast<double>(wanted.consistency.item())).epsilon(1e-5));

  const auto predicted = predict(*net, b.images, {}, b.boxes);
  std::vector<std::vector<float>> pasted(3, std::vector<float>(side * side, 0.0f));
  const auto p = eval(sigmoid(maps.main));
  for (extent_t k = 0; k < 41; ++k)
    paste(p.data() + k * 32 * 32, 32, box<float>{rois(k, 1), rois(k, 2), rois(k, 3), rois(k, 4)}, pasted[static_cast<std::size_t>(rois(k, 0))].data(),
          side, side);
  for (std::size_t i = 0; i < 3; ++i) {
    float worst = 0;
    for (std::size_t k = 0; k < pasted[i].size(); ++k) worst = std::max(worst, std::abs(pasted[i][k] - predicted[i].probability[k]));
    CHECK(worst < 1e-5f);
    CHECK(predicted[i].regions.size() == b.boxes[i].size());
    std::vector<float> of_regions(side * side, 0.0f);
    for (std::size_t k = 0; k < predicted[i].regions.size(); ++k) {
      const auto& r = predicted[i].regions[k];
      CHECK((r.box == b.boxes[i][k] && r.score == 1 && r.side == 32));
      paste(r.probabilities.data(), r.side, r.box, of_regions.data(), side, side);
    }
    CHECK(of_regions == predicted[i].probability);
  }
}

TEST_CASE("native masks change what the head learns, and nothing of the detector") {
  auto b = images(), native = b;
  for (std::size_t n = 0; n < 3; ++n) {
    // The mask at four times the size, with an outline that the network's size does not show: every second row is missing.
    native_mask m{{4 * side, 4 * side, {}}, {4 * side, 4 * side, std::vector<std::int32_t>(16 * side * side, 0)}};
    for (extent_t y = 0; y < 4 * side; ++y)
      for (extent_t x = 0; x < 4 * side; ++x) m.truth.pixels.push_back(y % 8 < 4 && b.masks(static_cast<extent_t>(n), y / 4, x / 4, 0) != 0);
    native.native.push_back(std::make_shared<const native_mask>(std::move(m)));
  }
  const auto step = [](const batch& of) {
    auto net = initialized<region_net>(5);
    return train_step(*net, of, {}, {5, 5});
  };
  const auto plain = step(b), other = step(native);
  CHECK(user::terms(step(native)) == user::terms(other));
  for (const char* name : {"classifier", "box", "objectness", "rpn_box"}) CHECK(user::term(plain, name) == user::term(other, name));
  for (const char* name : {"main", "levels", "edge"})
    CHECK((std::isfinite(user::term(other, name)) && user::term(plain, name) != user::term(other, name)));
  auto net = initialized<region_net>(5);
  const auto validated = validate_batch(*net, native, {}), at_size = validate_batch(*net, b, {});
  CHECK(user::term(validated.first, "main") != user::term(at_size.first, "main"));
  CHECK(user::term(validated.first, "box") == user::term(at_size.first, "box"));
  CHECK(validated.second[0].probability == at_size.second[0].probability);
}

TEST_CASE("what validation and prediction hold grows by maps alone with the number of boxes") {
  auto net = initialized<region_net>(5);
  const auto peaks = [&](auto body) {
    std::array<double, 3> p{};
    std::size_t at = 0;
    for (const int count : {8, 16, 64}) {
      auto b = make_batch({user::discs().load(0)}, {});
      b.boxes = {many_boxes(count)};
      p[at++] = peak_of([&] { body(b); });
    }
    return p;
  };
  const auto validation = peaks([&](const batch& b) { (void)net->losses(b.images, detail::placed_targets<precision<>>(b), {}, {}); });
  const auto prediction = peaks([&](const batch& b) { (void)predict(*net, b.images, {}, b.boxes); });
  // Bytes for each region that is segmented with others, and for each beyond those.
  const auto together = [](const std::array<double, 3>& p) { return (p[1] - p[0]) / 8; };
  const auto beyond = [](const std::array<double, 3>& p) { return (p[2] - p[1]) / 48; };
  CHECK(together(validation) > 8 * 32 * 32 * sizeof(float));
  CHECK(beyond(validation) < together(validation) / 2);
  CHECK(validation[2] < 3 * validation[1]);
  CHECK(together(prediction) > 8 * 32 * 32 * sizeof(float));
  CHECK(beyond(prediction) < together(prediction) / 100);
  CHECK(prediction[2] < 1.1 * prediction[1]);
}
