#include "records.hpp"

#include <dcs/train/run/curves.hpp>

namespace programs {

void record_epoch(const std::string& run) { dcs::write_curves(dcs::run_folder(run)); }

}  // namespace programs
