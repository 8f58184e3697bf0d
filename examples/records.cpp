#include "records.hpp"

#include <dcs/train/run/curves.hpp>
#include <dcs/train/run/events.hpp>

#include <chrono>

namespace programs {

void record_epoch(const std::string& run, bool tensorboard) {
  const dcs::run_folder folder(run);
  dcs::write_curves(folder);
  if (tensorboard) dcs::write_events(folder, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace programs
