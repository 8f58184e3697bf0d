// A run's log for TensorBoard: an event for each epoch, whose numbers are those of results.csv, with pictures where there are any.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/io/events.hpp>
#include <dcs/train/run/folder.hpp>
#include <dcs/train/run/results.hpp>

#include <limits>

DCS_EXACT_MATH
namespace dcs {

/// The events of a table, whose steps are the epochs: train/NAME for each number of training, validation/NAME for each of the validation, rate and
/// seconds. An event that `before` has with the same numbers keeps its time and its pictures; others happen at `now`, in seconds since 1970, without
/// pictures.
inline std::vector<io::log_event> events_of(const result_columns& c, const std::vector<io::log_event>& before, double now) {
  std::vector<io::log_event> all;
  const auto trained = std::find(c.names.begin(), c.names.end(), "val_total") - c.names.begin();
  for (std::size_t row = 0; row < c.rows(); ++row) {
    io::log_event e{now, static_cast<std::int64_t>(c.values[0][row])};
    for (std::size_t k = 1; k < c.names.size(); ++k) {
      const std::string& name = c.names[k];
      const bool of_run = name == "rate" || name == "seconds", of_training = static_cast<std::ptrdiff_t>(k) < trained;
      const std::string tag = of_run ? name : of_training ? "train/" + name : "validation/" + (name.rfind("val_", 0) == 0 ? name.substr(4) : name);
      e.scalars.emplace_back(tag, static_cast<float>(c.values[k][row]));
    }
    for (const auto& old : before)
      if (old.step == e.step && old.scalars == e.scalars) e.wall_time = old.wall_time, e.images = old.images;
    all.push_back(std::move(e));
  }
  return all;
}

/// Whether an event file gets pictures of an epoch, from 1 on, of so many: the first, the last, and each k-th, k = ⌈epochs / 32⌉, as the file is
/// written whole after every epoch. What an epoch gets depends on no later one, so that events stay as they are.
inline bool has_pictures(int epoch, int epochs) {
  constexpr int most = 32;
  return epoch == 1 || epoch == epochs || epoch % ((epochs + most - 1) / most) == 0;
}

/// Renews a run's event file from its results.csv, whole or not at all: what it had for epochs that are in the table stays byte by byte, so that a
/// reader may follow it, and epochs that a resumed run does again stand in it once. `overlays` are of the last epoch. Throws dcs::error where a file
/// cannot be read or written; an event file that is damaged is a warning, and begins anew. Its size has no limit.
inline void write_events(const run_folder& run, double now, std::vector<io::log_image> overlays = {}) {
  std::vector<io::log_event> before;
  if (std::error_code none; std::filesystem::exists(run.events(), none)) {
    try {
      before = io::read_events(run.events(), std::numeric_limits<std::int64_t>::max());
    } catch (const error& e) {
      notice(std::string(e.what()) + "; it begins anew");
    }
  }
  auto events = events_of(read_results(run.results()), before, now);
  if (!events.empty() && !overlays.empty()) events.back().images = std::move(overlays);
  io::write_events(run.events(), events);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
