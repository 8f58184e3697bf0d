// What every segmenter does by the library, in small: it trains, is evaluated, predicts, and goes on after a checkpoint to the same bits.
#pragma once

#include "discs.hpp"

#include <dcs/optim/adamw.hpp>
#include <dcs/train/checkpoint.hpp>
#include <dcs/train/loop.hpp>
#include <dcs/train/views.hpp>

#include <doctest/doctest.h>

#include <filesystem>

namespace network_test {

using namespace dcs;

template <class Net>
struct trained {
  std::unique_ptr<Net> net = std::make_unique<Net>();
  adamw optimizer;
  std::vector<double> losses;
  explicit trained(std::uint64_t seed) : optimizer((initialize(*net, seed), named_parameters(*net)), {1e-3, 0.9, 0.999, 1e-8, 1e-4, 1}) {}

  static epoch_options<typename Net::options> options() {
    epoch_options<typename Net::options> o;
    o.batch = 2, o.seed = 3;
    return o;
  }
  /// Two steps.
  void epoch(int number) {
    eager_stepper<precision<>, Net, adamw> steps(*net, optimizer);
    (void)train_epoch(steps, user::discs{}, options(), number, [&](std::int64_t, std::int64_t, const step_losses& l) {
      losses.push_back(l.total);
      losses.insert(losses.end(), l.terms.begin(), l.terms.end());
    });
  }
  std::map<std::string, std::vector<float>> weights() const {
    std::map<std::string, std::vector<float>> all;
    for (const auto& [name, p] : named_parameters(*net)) all[name] = {p->template data<float>(), p->template data<float>() + p->size()};
    return all;
  }
};

/// Two steps move every trained weight and the losses are finite; the same two again have the same bits, and two more do, whether or not network and
/// optimiser were written and read between.
template <class Net>
void check_training() {
  static_assert(segmenter<Net>);
  trained<Net> a(1), b(1);
  const auto start = a.weights();
  a.epoch(0), b.epoch(0);
  REQUIRE(a.losses.size() == 2 * (1 + Net::loss_terms.size()));
  for (double l : a.losses) CHECK(std::isfinite(l));
  CHECK(a.losses == b.losses);
  CHECK((a.weights() == b.weights()));
  for (const auto& entry : named_parameters(*a.net)) {
    CAPTURE(entry.name);
    if (entry.parameter->trained()) CHECK((a.weights().at(entry.name) != start.at(entry.name)));
  }
  const auto path = (std::filesystem::temp_directory_path() / ("dcs_test_network_" + std::to_string(::getpid()))).string();
  save_checkpoint(path, *a.net, &a.optimizer, {});
  trained<Net> resumed(2);
  load_checkpoint(path, *resumed.net, &resumed.optimizer);
  std::filesystem::remove(path);
  a.losses.clear();
  a.epoch(1), resumed.epoch(1);
  CHECK(a.losses == resumed.losses);
  CHECK((a.weights() == resumed.weights()));
}

/// Validation losses and measures are finite, predictions are probabilities of each pixel of each image, and validation measures the same
/// predictions.
template <class Net>
void check_prediction(const typename Net::options& o) {
  trained<Net> t(1);
  auto options = trained<Net>::options();
  options.net = o;
  const auto [losses, measures] = validate(*t.net, user::discs{}, options);
  REQUIRE(losses.terms.size() == Net::loss_terms.size());
  for (double l : losses.terms) CHECK(std::isfinite(l));
  CHECK(measures.images == 4);
  const user::discs data;
  const batch two = make_batch({data.load(0), data.load(1)}, {});
  const auto found = predict(*t.net, two.images, o), augmented = predict_augmented(*t.net, two.images, o);
  REQUIRE(found.size() == 2);
  REQUIRE(augmented.size() == 2);
  for (const auto& some : {found, augmented})
    for (const auto& p : some) {
      CHECK((p.height == 64 && p.width == 64));
      REQUIRE(p.probability.size() == 64 * 64);
      CHECK(std::all_of(p.probability.begin(), p.probability.end(), [](float v) { return v >= 0 && v <= 1; }));
    }
  CHECK(validate_batch(*t.net, two, o).second[1].probability == found[1].probability);
  CHECK(found[0].probability != found[1].probability);
}

}  // namespace network_test
