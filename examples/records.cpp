#include "records.hpp"

#include <dcs/train/run/curves.hpp>
#include <dcs/train/run/events.hpp>

#include <chrono>
#include <filesystem>

namespace programs {

void record_epoch(const std::string& run, bool tensorboard) {
  const dcs::run_folder folder(run);
  dcs::write_curves(folder);
  if (tensorboard) dcs::write_events(folder, std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
}

void complete_records(const std::string& run, bool tensorboard) {
  namespace fs = std::filesystem;
  const dcs::run_folder folder(run);
  if (!fs::exists(folder.results())) return;
  const auto behind = [&](const std::string& record) {
    return !fs::exists(record) || fs::last_write_time(record) < fs::last_write_time(folder.results());
  };
  if (behind(folder.curves()) || (tensorboard && behind(folder.events()))) record_epoch(run, tensorboard);
}

}  // namespace programs
