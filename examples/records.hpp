// What dcs_train writes of a run besides what the run itself needs: pictures and logs to watch it by.
#pragma once

#include <dcs/data/sample.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/train/run/events.hpp>

#include <string>
#include <vector>

namespace programs {

/// How many of the first validation images an event file shows of an epoch that has_pictures().
inline constexpr std::int64_t logged_overlays = 3;

/// The overlay of a validation image, at most 512 pixels high and wide, as a picture of an event file: overlays/NAME.
dcs::io::log_image logged_overlay(const dcs::sample& s, const dcs::prediction& found);

/// Renews the records of a run after an epoch, from its results.csv: curves.png and, with `tensorboard`, an event file with `overlays` of this epoch.
/// Throws dcs::error where one cannot be written.
void record_epoch(const std::string& run, bool tensorboard, std::vector<dcs::io::log_image> overlays = {});

/// The same for a run that has ended, where a record is missing or older than results.csv, as after a kill between the last checkpoint and them.
/// Nothing changes otherwise.
void complete_records(const std::string& run, bool tensorboard);

}  // namespace programs
