// The progress display of a run: where it is, the loss, images a second, the time that is left.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/train/run/terminal_line.hpp>

#include <chrono>

DCS_EXACT_MATH
namespace dcs {

/// What a progress display shows.
struct progress_numbers {
  int epoch = 1, epochs = 1;             // its number from 1, and how many the run has
  std::int64_t step = 0, steps = 1;      // steps done of the epoch, and how many it has
  double loss = 0, images_a_second = 0;  // of the last step; since the display began
  double epoch_seconds = 0;              // left for the steps of this epoch
  double run_seconds = 0;                // left for the run, if it has all its epochs
};

/// A time as 0:42, 12:05 or 3:12:05: hours, minutes, seconds.
inline std::string clock_time(double seconds) {
  const auto s = static_cast<long long>(std::clamp(seconds, 0.0, 3.6e8) + 0.5);
  char text[40];
  if (s < 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld", s / 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return text;
}
/// The line that is overwritten on a terminal of so many columns: a bar where there is room for one of at least ten characters, and never wider than
/// the terminal.
inline std::string terminal_progress(const progress_numbers& p, int columns) {
  char head[64], tail[160];
  std::snprintf(head, sizeof head, "epoch %d/%d", p.epoch, p.epochs);
  std::snprintf(tail, sizeof tail, "%lld/%lld  loss %.4f  %.1f images/s  %s left, run %s", static_cast<long long>(p.step),
                static_cast<long long>(p.steps), p.loss, p.images_a_second, clock_time(p.epoch_seconds).c_str(), clock_time(p.run_seconds).c_str());
  return with_bar(head, static_cast<double>(p.step) / static_cast<double>(std::max<std::int64_t>(p.steps, 1)), tail, columns);
}
/// The plain line that is written from time to time where standard output is no terminal.
inline std::string plain_progress(const progress_numbers& p) {
  char text[200];
  std::snprintf(text, sizeof text, "epoch %d/%d  %lld/%lld  loss %.4f  %.1f images/s  %.0f s left", p.epoch, p.epochs, static_cast<long long>(p.step),
                static_cast<long long>(p.steps), p.loss, p.images_a_second, p.epoch_seconds);
  return text;
}

/// Shows an epoch: on a terminal one line that is overwritten, and erased at the end; otherwise a plain line every half minute.
class progress_line {
 public:
  /// The epoch's number from 1 of `epochs`, of which `before` steps were done before; a step has `batch` images, and an epoch takes `beside` seconds
  /// beside its steps.
  progress_line(int epoch, int epochs, std::int64_t before, int batch, double beside)
      : before_(before), batch_(batch), beside_(beside), start_(clock::now()), last_(start_) {
    numbers_.epoch = epoch, numbers_.epochs = epochs;
  }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { line_.show(""); }

  /// So many steps of the epoch are done, the last with this loss.
  void operator()(std::int64_t done, std::int64_t all, double loss) {
    const auto now = clock::now();
    const bool due = std::chrono::duration<double>(now - last_).count() > (line_.is_terminal() ? 0.2 : 30);
    if (!due && !(line_.is_terminal() && done == all)) return;
    last_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count(), a_step = seconds / static_cast<double>(done - before_);
    numbers_.step = done, numbers_.steps = all, numbers_.loss = loss;
    numbers_.images_a_second = batch_ / a_step;
    numbers_.epoch_seconds = a_step * static_cast<double>(all - done);
    numbers_.run_seconds = numbers_.epoch_seconds + beside_ + (numbers_.epochs - numbers_.epoch) * (a_step * static_cast<double>(all) + beside_);
    if (line_.is_terminal())
      line_.show(terminal_progress(numbers_, line_.columns()));
    else
      std::printf("%s\n", plain_progress(numbers_).c_str()), std::fflush(stdout);
  }
  /// So many batches of the validation are done; only a terminal shows it.
  void validating(std::int64_t done, std::int64_t all) {
    if (!line_.is_terminal()) return;
    line_.show("epoch " + std::to_string(numbers_.epoch) + "/" + std::to_string(numbers_.epochs) + "  validating " + std::to_string(done) + "/" +
               std::to_string(all));
  }

 private:
  using clock = std::chrono::steady_clock;

  progress_numbers numbers_;
  std::int64_t before_;
  int batch_;
  double beside_;
  clock::time_point start_, last_;
  terminal_line line_;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
