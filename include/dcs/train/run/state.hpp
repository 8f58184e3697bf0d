// The state that a run needs to continue, besides network and optimiser: the metadata of its last checkpoint, which is of the end of an epoch or of
// a step within one.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/train/run/config.hpp>
#include <dcs/train/step_losses.hpp>

#include <dcs/core/parse.hpp>
#include <dcs/optim/rate.hpp>

#include <cmath>
#include <map>

DCS_EXACT_MATH
namespace dcs {

/// A number as text that reads back to the same bits.
inline std::string exact(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

/// A run between two steps.
struct run_state {
  int epochs = 0;  // number of epochs done
  double rate = 0;
  dcs::plateau plateau;
  epoch_state part{};  // of the epoch after them
  double seconds = 0;  // that its steps have taken

  run_state() = default;
  /// The state of a new run.
  explicit run_state(const run_config& c) : rate(c.rate) { plateau.patience = c.patience, plateau.stop_after = c.stop_after; }

  /// The reason why the run has ended; empty where it has not.
  std::string ended(const run_config& c) const {
    if (plateau.exhausted())
      return "the validation loss has not improved for " + std::to_string(plateau.since_best) + " epochs (--stop-after of its first start)";
    if (epochs >= c.epochs)
      return std::to_string(epochs) + (epochs == 1 ? " epoch is" : " epochs are") + " done, of " + std::to_string(c.epochs) +
             "; a larger --epochs continues it";
    return "";
  }

  /// The metadata of a checkpoint, after at least one step. Within an epoch it has epochs_done in place of epoch, so that an earlier version, which
  /// would repeat the epoch with weights that have seen half of it, refuses the checkpoint.
  std::map<std::string, std::string> metadata(const run_config& c) const {
    std::map<std::string, std::string> m{{"rate", exact(rate)},
                                         {"best_loss", exact(plateau.best)},
                                         {"since_best", std::to_string(plateau.since_best)},
                                         {"since_change", std::to_string(plateau.since_change)},
                                         {"config", to_json(c).dump()}};
    if (part.steps == 0) {
      m["epoch"] = std::to_string(epochs - 1);
    } else {
      m["epochs_done"] = std::to_string(epochs), m["steps"] = std::to_string(part.steps), m["seconds"] = exact(seconds);
      m["losses"] = json{{"total", exact(part.sums.total)}, {"terms", texts(part.sums.terms)}, {"counts", texts(part.sums.counts)}}.dump();
    }
    return m;
  }

  /// The state that a checkpoint's metadata holds, for a run of configuration `c`; `where` begins the messages of errors. Throws error for an entry
  /// that is not a number, or a value that no run can have.
  static run_state of(const std::map<std::string, std::string>& metadata, const run_config& c, const std::string& where) {
    run_state s(c);
    if (metadata.count("steps") != 0)
      s.read_part(metadata, where);
    else
      s.epochs = static_cast<int>(whole(metadata, "epoch", 0, 99999, where)) + 1;
    s.plateau.since_best = static_cast<int>(whole(metadata, "since_best", 0, s.epochs, where));
    s.plateau.since_change = static_cast<int>(whole(metadata, "since_change", 0, std::min(s.plateau.since_best, c.patience - 1), where));
    s.rate = real(metadata, "rate", where);
    expect(s.rate > 0 && s.rate <= c.rate, where, ": rate is ", exact(s.rate), "; expected one above 0 and at most ", exact(c.rate),
           ", that of the run's first epoch");
    s.plateau.best = real(metadata, "best_loss", where);
    // Where every loss was NaN, there is no best epoch, and the lowest loss has its initial value.
    const bool none = s.plateau.since_best == s.epochs && s.plateau.best == std::numeric_limits<double>::infinity();
    expect(none || (is_finite(s.plateau.best) && s.plateau.since_best < s.epochs), where, ": best_loss is ", exact(s.plateau.best), ", since_best ",
           s.plateau.since_best, " after ", s.epochs, " epochs; expected a finite loss of one of them");
    return s;
  }

 private:
  static std::vector<std::string> texts(const std::vector<double>& numbers) {
    std::vector<std::string> all;
    for (double x : numbers) all.push_back(exact(x));
    return all;
  }
  // The state of a checkpoint within an epoch.
  void read_part(const std::map<std::string, std::string>& metadata, const std::string& where) {
    epochs = static_cast<int>(whole(metadata, "epochs_done", 0, 99999, where));
    part.steps = whole(metadata, "steps", 1, 1000000000, where);
    seconds = real(metadata, "seconds", where);
    expect(is_finite(seconds) && seconds >= 0, where, ": seconds is ", exact(seconds), "; expected a finite number, at least 0");
    const auto number = [&](const json& text) {
      const auto x = parse_real(text.get<std::string>());
      expect(x && is_finite(*x), where, ": losses contain ", text.dump(), "; expected finite numbers");
      return *x;
    };
    const json losses = parse_json(entry(metadata, "losses", where), where + ": losses");
    try {
      part.sums.total = number(losses.at("total"));
      for (const json& x : losses.at("terms")) part.sums.terms.push_back(number(x));
      for (const json& x : losses.at("counts")) part.sums.counts.push_back(number(x));
    } catch (const json::exception& e) {
      fail(where, ": losses: ", e.what());
    }
  }
  static const std::string& entry(const std::map<std::string, std::string>& metadata, const char* key, const std::string& where) {
    const auto it = metadata.find(key);
    expect(it != metadata.end(), where, ": its metadata lacks ", key);
    return it->second;
  }
  static std::int64_t whole(const std::map<std::string, std::string>& metadata, const char* key, std::int64_t low, std::int64_t high,
                            const std::string& where) {
    const auto& text = entry(metadata, key, where);
    const auto n = parse_whole(text);
    expect(n && *n >= low && *n <= high, where, ": ", key, " is ", text, "; expected a whole number from ", low, " to ", high);
    return *n;
  }
  static double real(const std::map<std::string, std::string>& metadata, const char* key, const std::string& where) {
    const auto& text = entry(metadata, key, where);
    const auto x = parse_real(text);
    expect(x.has_value(), where, ": ", key, " is ", text, "; expected a number");
    return *x;
  }
};

/// Throws error, naming the key, where the checkpoint at `path` was trained with another configuration than `c`, which is that of the file
/// `config_path`.
inline void expect_same_config(const std::map<std::string, std::string>& metadata, const std::string& path, const run_config& c,
                               const std::string& config_path) {
  const auto it = metadata.find("config");
  expect(it != metadata.end(), path, ": its metadata lacks config");
  const run_config trained = config_of(parse_json(it->second, path + ": config"), path + ": config", c.network);
  const std::string key = differing_key(c, trained);
  if (!key.empty())
    fail(config_path, ": ", key, " is ", to_json(c).at(key).dump(), ", but ", path, " was trained with ", to_json(trained).at(key).dump());
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
