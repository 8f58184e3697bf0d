// The learning rate of a run, chosen by name: plateau, cosine, polynomial or constant, with a linear warm-up in front of any. The rate of a step is a
// function of the options, the epoch, the step within it, and for plateau of the rate that the validation losses have led to, so that a run that is
// resumed has the same bits.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/error.hpp>
#include <dcs/core/finite.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/optim/rate.hpp>

#include <array>
#include <cstdint>
#include <string>

DCS_EXACT_MATH
namespace dcs {

/// The names that schedule_options::name may have.
inline constexpr std::array schedule_names{"plateau", "cosine", "polynomial", "constant"};

struct schedule_options {
  std::string name = "plateau";
  double rate = 2e-4;             // the highest
  int epochs = 100;               // length of the run, warm-up included
  int warmup_epochs = 0;          // linear warm-up over so many epochs,
  std::int64_t warmup_steps = 0;  // or over so many steps; at most one of the two
  bool each_step = false;         // cosine and polynomial go on with every step, not with every epoch
  double power = 0.9;             // of polynomial
  double least = 0;               // what cosine and polynomial come down to
};

/// A step's place in a run: the number of its epoch, and its own number in it, from 0; `steps` are in an epoch.
struct step_position {
  int epoch;
  std::int64_t step, steps;
};

/// The rates of a run.
class schedule {
 public:
  /// Throws dcs::error for a name that is none of schedule_names, and for numbers outside their range.
  explicit schedule(schedule_options o) : options_(std::move(o)) {
    const auto& n = options_;
    expect(std::find(schedule_names.begin(), schedule_names.end(), n.name) != schedule_names.end(), "dcs::schedule: ", printable(n.name),
           " is no schedule; expected plateau, cosine, polynomial or constant");
    expect(is_finite(n.rate) && n.rate > 0, "dcs::schedule: rate is ", n.rate, "; expected a number above 0");
    expect(n.epochs > 0, "dcs::schedule: epochs is ", n.epochs, "; expected at least 1");
    expect(n.warmup_epochs >= 0 && n.warmup_steps >= 0 && (n.warmup_epochs == 0 || n.warmup_steps == 0), "dcs::schedule: a warm-up over ",
           n.warmup_epochs, " epochs and ", n.warmup_steps, " steps; expected one of the two, and no negative number");
    expect(is_finite(n.power) && n.power > 0, "dcs::schedule: power is ", n.power, "; expected a number above 0");
    expect(n.least >= 0 && n.least <= n.rate, "dcs::schedule: the least rate is ", n.least, "; expected one from 0 to ", n.rate, ", the highest");
  }

  const schedule_options& options() const { return options_; }
  bool by_validation() const { return options_.name == "plateau"; }

  /// The rate of a step. `reached` is the rate that validation has led to (next), which only plateau looks at. Throws dcs::error where the warm-up is
  /// as long as the run.
  double at(const step_position& p, double reached) const {
    const double steps = static_cast<double>(p.steps), now = p.epoch * steps + static_cast<double>(p.step);
    const double warm_steps = options_.warmup_epochs > 0 ? options_.warmup_epochs * steps : static_cast<double>(options_.warmup_steps);
    expect(warm_steps < options_.epochs * steps, "dcs::schedule: the warm-up takes ", warm_steps, " steps of a run of ", options_.epochs * steps,
           "; expected fewer");
    const double highest = by_validation() ? reached : options_.rate;
    if (now < warm_steps) return highest * (now + 1) / warm_steps;
    // In epochs since the warm-up, whole ones unless each step counts.
    const double warm = warm_steps / steps, done = (options_.each_step ? now / steps : p.epoch) - warm, all = options_.epochs - warm;
    return after_warmup(highest, std::clamp(done, 0.0, all), all);
  }

  /// After an epoch with this validation loss: the rate that validation leads to, `reached` again unless the schedule is plateau. `rule` is told of
  /// the loss in any case, so that it knows the best epoch and when to stop.
  double next(plateau& rule, double reached, double loss) const {
    const double rate = rule.next(reached, loss);
    return by_validation() ? rate : reached;
  }

 private:
  double after_warmup(double highest, double done, double all) const {
    if (options_.name == "cosine") return cosine_rate(highest, done, all, options_.least);
    if (options_.name == "polynomial") return polynomial_rate(highest, done, all, options_.power, options_.least);
    return highest;
  }

  schedule_options options_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
