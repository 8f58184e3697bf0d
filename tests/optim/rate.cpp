// The rules for the learning rate, worked by hand.
#include <dcs/optim/rate.hpp>

#include <doctest/doctest.h>

TEST_CASE("plateau: the rate halves after `patience` epochs without a better loss, down to the floor") {
  dcs::plateau rule;
  rule.patience = 3, rule.stop_after = 5, rule.floor = 0.3;
  double rate = 1;
  const auto step = [&](double loss) { return rate = rule.next(rate, loss); };
  CHECK(step(3.0) == 1);
  CHECK(rule.improved());
  CHECK(step(3.0) == 1);  // equal is not better
  CHECK(!rule.improved());
  CHECK(step(4.0) == 1);
  CHECK(step(4.0) == 0.5);  // the third in a row
  CHECK(step(4.0) == 0.5);
  CHECK(!rule.exhausted());
  CHECK(step(4.0) == 0.5);
  CHECK(rule.exhausted());
  CHECK(step(2.0) == 0.5);  // better: both counts start again
  CHECK(rule.improved());
  CHECK(!rule.exhausted());
  step(2.0), step(2.0);
  CHECK(rate == 0.5);
  CHECK(step(2.0) == 0.3);  // not below the floor
}

TEST_CASE("cosine: starts at the rate, halves in the middle, ends near 0") {
  CHECK(dcs::cosine_rate(2, 0, 10) == 2);
  CHECK(dcs::cosine_rate(2, 5, 10) == doctest::Approx(1));
  CHECK(dcs::cosine_rate(2, 9, 10) == doctest::Approx(0.048943483704846));
}
