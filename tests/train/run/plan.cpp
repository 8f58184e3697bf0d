// The numbers of a plan, for sets of tiny, large and no lesions, few and many images, and a step whose cost is passed in place of measured.
#include <dcs/train/run/plan.hpp>

#include <doctest/doctest.h>

#include <map>

using namespace dcs;

namespace {

// Images of side × side with a square lesion each, of these sides in turn; 0: none.
set_statistics squares(std::int64_t images, std::int64_t side, const std::vector<std::int64_t>& lesions) {
  set_statistics sum;
  for (std::int64_t i = 0; i < images; ++i) {
    image pixels{side, side, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side), 90)};
    mask truth{side, side, std::vector<std::uint8_t>(pixels.pixels.size(), 0)};
    const std::int64_t n = lesions[static_cast<std::size_t>(i) % lesions.size()];
    for (std::int64_t y = 1; y <= n; ++y)
      for (std::int64_t x = 1; x <= n; ++x) truth.at(y, x) = 1;
    set_statistics one;
    one.add(pixels, truth, {});
    sum.add(one);
  }
  return sum;
}
// A machine whose step takes `seconds` for an image of 128 × 128, and 10 MB.
plan_conditions machine(double seconds, double minutes, std::int64_t validation = 10) {
  plan_conditions c;
  c.minutes = minutes, c.validation = validation, c.memory = 8'000'000'000;
  c.memory_of_step = [](int side) { return step_memory{100'000'000, 50'000'000, std::int64_t{10'000'000} * side * side / (128 * 128)}; };
  c.seconds_of_batch = [=](int side, int batch) {
    const double train = seconds * batch * side * side / (128.0 * 128.0);
    return batch_seconds{train, train / 3};
  };
  return c;
}
std::map<std::string, std::string> values(const std::vector<plan_entry>& entries) {
  std::map<std::string, std::string> all;
  for (const auto& e : entries) all[e.option] = e.value;
  return all;
}
int number(const std::vector<plan_entry>& entries, const char* option) { return std::stoi(values(entries).at(option)); }

}  // namespace

TEST_CASE("the fingerprint's sides: of objects as a share of their image, of images") {
  const set_statistics s = squares(10, 100, {0, 2, 4, 6, 8});
  CHECK(s.object_side(0) == doctest::Approx(0.02));
  CHECK(s.object_side(50) == doctest::Approx(0.04));
  CHECK(s.object_side(51) == doctest::Approx(0.06));
  CHECK(s.object_side(100) == doctest::Approx(0.08));
  CHECK(s.image_side(50) == 100);
  CHECK(set_statistics().object_side(50) == 0);
  CHECK(set_statistics().image_side(50) == 0);
}

TEST_CASE("size: nine of ten lesions have 8 pixels, within what the images have, 128 and 1024") {
  CHECK(side_for(squares(10, 400, {10})).value == 320);   // 8 / 0.025
  CHECK(side_for(squares(10, 200, {4})).value == 224);    // 400 would be needed, the images have 200
  CHECK(side_for(squares(10, 400, {100})).value == 128);  // 32 would do
  CHECK(side_for(squares(10, 64, {30})).value == 64);     // there are no more pixels
  CHECK(side_for(squares(2, 1500, {3})).value == 1024);
  CHECK(side_for(squares(20, 400, std::vector<std::int64_t>{10, 20, 20, 20, 20, 20, 20, 20, 20, 20})).value == 320);  // the smallest tenth decides
  CHECK(side_for(squares(10, 400, {10})).reason.find("8 pixels at 320") != std::string::npos);
  CHECK_THROWS_WITH_AS((void)side_for(squares(3, 64, {0})), doctest::Contains("has a lesion"), error);
}

TEST_CASE("H: the smallest crop that holds three of four boxes on P2") {
  CHECK(crop_for({16, 32, 64}, 60).value == 16);
  CHECK(crop_for({16, 32, 64}, 64).value == 16);
  CHECK(crop_for({16, 32, 64}, 65).value == 32);
  CHECK(crop_for({16, 32, 64}, 1000).value == 64);
  CHECK_THROWS_AS((void)crop_for({}, 10), error);
}

TEST_CASE("batch: 20 steps an epoch, 2 to 16, in half of the memory") {
  const step_memory light{0, 0, 1};
  const auto batch = [&](std::int64_t images) { return batch_for(images, light, 0).value; };
  CHECK(batch(1) == 1);
  CHECK(batch(2) == 2);
  CHECK(batch(79) == 2);
  CHECK(batch(80) == 4);
  CHECK(batch(320) == 16);
  CHECK(batch(100000) == 16);
  const step_memory heavy{100, 50, 10};
  CHECK(batch_for(320, heavy, 2 * (150 + 160)).value == 16);
  CHECK(batch_for(320, heavy, 2 * (150 + 159)).value == 8);
  CHECK(batch_for(320, heavy, 2 * (150 + 10)).value == 1);
  CHECK_THROWS_WITH_AS((void)batch_for(320, heavy, 2 * (150 + 9)), doctest::Contains("does not fit into half of the memory"), error);
}

TEST_CASE("epochs fit into nine tenths of the time, 1 to 300") {
  // 25 steps of 2 s and 3 batches to validate of 1 s: 53 s.
  const auto epochs = [](double minutes) { return epochs_for(100, 4, {2, 1}, machine(0, minutes)).value; };
  CHECK(epochs(10) == 10);
  CHECK(epochs(1) == 1);
  CHECK(epochs(0.1) == 1);
  CHECK(epochs(100000) == 300);
  CHECK(epochs_for(100, 4, {2, 1}, machine(0, 0.1)).reason.find("takes longer") != std::string::npos);
  CHECK(epochs_for(100, 4, {0, 0}, machine(0, 1)).value == 300);
  // Loading a batch takes 6 s, longer than its step: 28 times 6 s; three threads take 2 s, as long as the step and longer than the validation.
  plan_conditions c = machine(0, 10);
  CHECK(epochs_for(100, 4, {2, 1, 6}, c).value == 3);
  CHECK(epochs_for(100, 4, {2, 1, 6}, c).reason.find("the steps wait for images") != std::string::npos);
  c.loaders = 3;
  CHECK(epochs_for(100, 4, {2, 1, 6}, c).value == 9);
}

TEST_CASE("a plan keeps its time, and gives up size before it takes fewer than 10 epochs") {
  const set_statistics tiny = squares(40, 400, {10});
  for (const double minutes : {1.0, 5.0, 60.0, 600.0}) {
    CAPTURE(minutes);
    const plan_conditions c = machine(0.05, minutes);
    const auto plan = plan_of_costs(tiny, c);
    const int side = number(plan, "size"), batch = number(plan, "batch"), epochs = number(plan, "epochs");
    const batch_seconds s = c.seconds_of_batch(side, batch);
    const double seconds = epochs * (40.0 / batch * s.train + std::ceil(10.0 / batch) * s.validate);
    CHECK(seconds <= 60 * minutes);
    CHECK((epochs >= 10 || side == 128));
    CHECK((epochs == 300 || seconds > 0.4 * 60 * minutes));
    CHECK((side % 32 == 0 && side >= 128 && side <= 320));
  }
  CHECK(number(plan_of_costs(tiny, machine(0.05, 600)), "size") == 320);
  CHECK(number(plan_of_costs(tiny, machine(0.05, 1)), "size") < 320);
  const auto slow = plan_of_costs(tiny, machine(100, 1));
  CHECK((number(slow, "size") == 128 && number(slow, "epochs") == 1));
}

TEST_CASE("a plan gives up size where a step does not fit into the memory, and measures memory at the least side alone") {
  const set_statistics tiny = squares(40, 400, {10});
  plan_conditions c = machine(0.001, 600);
  const auto measured = c.memory_of_step;
  c.memory_of_step = [&](int side) {
    CHECK(side == 128);
    return measured(side);
  };
  // 150 MB and 10 MB an image at 128: 22.5 MB at 192, 30.6 MB at 224.
  c.memory = 2 * 180'000'000;
  const auto plan = plan_of_costs(tiny, c);
  CHECK((number(plan, "size") == 192 && number(plan, "batch") == 1));
  CHECK(plan[0].reason.find("at 320 a step of one image does not fit") != std::string::npos);
  c.memory = 2 * 155'000'000;
  CHECK_THROWS_WITH_AS((void)plan_of_costs(tiny, c), doctest::Contains("does not fit into half of the memory"), error);
  c.memory = 0;  // not known
  CHECK(number(plan_of_costs(tiny, c), "size") == 320);
}

TEST_CASE("augmentation: small lesions that are rare, few images with a lesion") {
  auto mixed = values(plan_of_augmentation(squares(300, 64, {4, 20, 20, 20, 20})));
  CHECK((mixed["oversample-small"] == "0.5" && mixed["copy-paste"] == "0"));
  auto alike = values(plan_of_augmentation(squares(199, 64, {4})));
  CHECK((alike["oversample-small"] == "0" && alike["copy-paste"] == "0.5"));
}

TEST_CASE("the file: every option below its reason") {
  CHECK(plan_file("head", {{"size", "64", "small"}, {"net", "a", "b"}}) == "# head\n\n# small\nsize = 64\n\n# b\nnet = a\n");
}
