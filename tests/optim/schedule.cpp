// Schedules against those of torch.optim.lr_scheduler (tests/goldens/optim.py), and what a run relies on.
#include <dcs/optim/schedule.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

std::vector<double> golden(const std::string& name) { return test::goldens("optim").at("rate/" + name).as<double>(); }

schedule_options named(const std::string& name, int epochs) {
  schedule_options o;
  o.name = name, o.rate = 0.3, o.epochs = epochs;
  return o;
}
// The rates of a run's steps, `steps` in an epoch.
std::vector<double> rates(const schedule_options& o, std::int64_t steps = 1) {
  const schedule s(o);
  std::vector<double> all;
  for (int e = 0; e < o.epochs; ++e)
    for (std::int64_t k = 0; k < steps; ++k) all.push_back(s.at({e, k, steps}, 0.3));
  return all;
}

}  // namespace

TEST_CASE("rates of epochs are those of PyTorch's schedulers") {
  auto o = named("cosine", 10);
  CHECK(test::relative_error(rates(o), golden("cosine")) < 1e-12);
  o.least = 0.02;
  CHECK(test::relative_error(rates(o), golden("cosine_least")) < 1e-12);
  o = named("polynomial", 10);
  CHECK(test::relative_error(rates(o), golden("polynomial")) < 1e-12);
  o.power = 2;
  CHECK(test::relative_error(rates(o), golden("polynomial_2")) < 1e-12);
}

TEST_CASE("a warm-up of steps or epochs, and the schedule after it, are PyTorch's SequentialLR") {
  for (const bool by_steps : {false, true}) {
    const auto warm = [&](const std::string& name) {
      auto o = named(name, 10);
      o.each_step = true;
      by_steps ? void(o.warmup_steps = 8) : void(o.warmup_epochs = 2);
      return rates(o, 4);
    };
    CHECK(test::relative_error(warm("constant"), golden("constant_warm")) < 1e-12);
    CHECK(test::relative_error(warm("cosine"), golden("cosine_warm")) < 1e-12);
    CHECK(test::relative_error(warm("polynomial"), golden("polynomial_warm")) < 1e-12);
    CHECK(test::relative_error(warm("plateau"), golden("constant_warm")) < 1e-12);
  }
}

TEST_CASE("plateau is PyTorch's ReduceLROnPlateau, whose patience counts one epoch less") {
  auto o = named("plateau", 100);
  const schedule s(o);
  plateau rule;
  rule.patience = 3, rule.floor = 0.05;
  double reached = o.rate;
  std::vector<double> found;
  for (double loss : golden("plateau_losses")) found.push_back(reached = s.next(rule, reached, loss));
  CHECK(found == golden("plateau"));
  CHECK(s.at({20, 3, 5}, reached) == reached);
}

TEST_CASE("without each_step a rate holds for an epoch, also where a warm-up ends within one") {
  auto o = named("cosine", 6);
  o.warmup_steps = 6;  // one epoch and a half
  const auto r = rates(o, 4);
  for (int k = 0; k < 6; ++k) CHECK(r[static_cast<std::size_t>(k)] == doctest::Approx(0.05 * (k + 1)));
  CHECK(r[6] == 0.3);
  CHECK(r[7] == 0.3);
  for (std::size_t e = 2; e < 6; ++e) {
    CHECK(r[4 * e] == doctest::Approx(cosine_rate(0.3, static_cast<double>(e) - 1.5, 4.5)));
    for (std::size_t k = 1; k < 4; ++k) CHECK(r[4 * e + k] == r[4 * e]);
  }
}

TEST_CASE("validation leads the rate of plateau alone; every schedule knows the best epoch") {
  plateau rule;
  rule.patience = 1;
  const schedule cosine(named("cosine", 10)), by_loss(named("plateau", 10));
  CHECK(cosine.next(rule, 0.3, 1.0) == 0.3);
  CHECK(rule.improved());
  CHECK(cosine.next(rule, 0.3, 2.0) == 0.3);
  CHECK(!rule.improved());
  CHECK(by_loss.next(rule, 0.3, 2.0) == 0.15);
  CHECK(cosine.at({5, 0, 4}, 0.15) == doctest::Approx(0.15));  // half of 0.3, whatever was reached
  CHECK(by_loss.at({5, 0, 4}, 0.075) == 0.075);
}

TEST_CASE("a rate below the floor of plateau is not raised to it") {
  plateau rule;
  rule.patience = 1, rule.floor = 1e-3;
  CHECK(rule.next(1e-5, 1.0) == 1e-5);
  CHECK(rule.next(1e-5, 2.0) == 1e-5);
}

TEST_CASE("wrong options of a schedule are said") {
  const auto says = [](auto change, const char* text) {
    auto o = named("cosine", 10);
    change(o);
    CHECK_THROWS_WITH_AS(schedule(o).at({0, 0, 4}, 0.3), doctest::Contains(text), error);
  };
  says([](auto& o) { o.name = "step"; }, "step is no schedule; expected plateau, cosine, polynomial or constant");
  says([](auto& o) { o.rate = 0; }, "rate is 0");
  says([](auto& o) { o.rate = std::nan(""); }, "rate is nan");
  says([](auto& o) { o.epochs = 0; }, "epochs is 0; expected at least 1");
  says([](auto& o) { o.warmup_epochs = -1; }, "a warm-up over -1 epochs");
  says([](auto& o) { o.warmup_epochs = 1, o.warmup_steps = 1; }, "a warm-up over 1 epochs and 1 steps");
  says([](auto& o) { o.power = 0; }, "power is 0");
  says([](auto& o) { o.least = 0.4; }, "the least rate is 0.4");
  says([](auto& o) { o.warmup_epochs = 10; }, "the warm-up takes 40");
  says([](auto& o) { o.warmup_steps = 41; }, "of a run of 40");
}
