#include <dcs/models/dcsnet/loss.hpp>

#include <doctest/doctest.h>

using namespace dcs;

TEST_CASE("weights of the levels by hand: constant, or by the fraction of the training that is done") {
  using weights = std::array<double, 4>;
  const weights constant{0.7, 0.8, 0.9, 1.0}, coarse{0.4, 0.6, 0.8, 1.0}, middle{1.1, 1.0, 0.9, 0.8}, fine{1.0, 0.9, 0.8, 0.7};
  for (double done : {0.0, 0.29, 0.3, 0.5, 0.6, 1.0}) CHECK(models::dcsnet::level_weights(false, done) == constant);
  CHECK(models::dcsnet::loss_options{}.levels == constant);
  for (double done : {0.0, 0.1, 0.29}) CHECK(models::dcsnet::level_weights(true, done) == coarse);
  for (double done : {0.3, 0.45, 0.59}) CHECK(models::dcsnet::level_weights(true, done) == middle);
  for (double done : {0.6, 0.75, 1.0}) CHECK(models::dcsnet::level_weights(true, done) == fine);
}

TEST_CASE("the total is its terms with their weights") {
  using map_t = shape<dyn<"roi">, 4, 4, 1>;
  auto map = [](float first) {
    auto x = tensor<float, map_t>::empty({2, 4, 4, 1});
    for (extent_t i = 0; i < x.size(); ++i) x.data()[i] = first + 0.25f * static_cast<float>(i % 7);
    return x;
  };
  auto target = tensor<float, map_t>::zeros({2, 4, 4, 1});
  for (extent_t i = 0; i < 6; ++i) target.data()[3 * i] = 1;
  const models::dcsnet::segmentation<tensor<float, map_t>> out{map(-1), map(-0.5f), {map(-2), map(-1.5f), map(0), map(0.5f)}};
  models::dcsnet::loss_options o;
  o.levels = {0.1, 0.2, 0.3, 0.4}, o.edge = 2, o.consistency = 3;
  const auto t = models::dcsnet::total_loss(out, target, o);
  double levels = 0;
  for (std::size_t i = 0; i < 4; ++i) levels += o.levels[i] * static_cast<double>(loss::segmentation(out.levels[i], target).item());
  const auto number = [](const auto& x) { return static_cast<double>(x.item()); };
  CHECK(number(t.main) == doctest::Approx(number(loss::segmentation(out.main, target))));
  CHECK(number(t.levels) == doctest::Approx(levels));
  CHECK(number(t.edge) > 0);
  CHECK(number(t.consistency) > 0);
  CHECK(number(t.total) == doctest::Approx(number(t.main) + number(t.levels) + 2 * number(t.edge) + 3 * number(t.consistency)));
}
