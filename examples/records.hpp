// What dcs_train writes of a run besides what the run itself needs: pictures and logs to watch it by.
#pragma once

#include <string>

namespace programs {

/// Renews the records of a run after an epoch, from its results.csv: curves.png and, with `tensorboard`, an event file. Throws dcs::error where one
/// cannot be written.
void record_epoch(const std::string& run, bool tensorboard);

/// The same for a run that has ended, where a record is missing or older than results.csv, as after a kill between the last checkpoint and them.
/// Nothing changes otherwise.
void complete_records(const std::string& run, bool tensorboard);

}  // namespace programs
