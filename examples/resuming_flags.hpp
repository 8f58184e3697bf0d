// Which flags of dcs_train may be given with --resume, for it and for dcs_grid, which resumes runs.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace programs {

/// Flags that may differ when a run is resumed, without their --; a run keeps all others (docs/runs.md).
inline constexpr std::array<std::string_view, 11> resuming_flags{"data",        "epochs",       "device",      "capture",  "tune",   "tf32",
                                                                 "most-pixels", "save-minutes", "tensorboard", "skip-bad", "loaders"};

/// Whether a flag, without its --, may differ; --no-capture is one of --capture.
constexpr bool may_be_resumed_with(std::string_view flag) {
  if (flag.starts_with("no-")) flag.remove_prefix(3);
  return std::find(resuming_flags.begin(), resuming_flags.end(), flag) != resuming_flags.end();
}

}  // namespace programs
