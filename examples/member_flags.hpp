// Flags of the programs that predict with one run, or several together.
#pragma once

#include "command_line.hpp"
#include "session.hpp"

namespace programs {

/// Which runs predict, by which weights and where.
inline void add_runs(CLI::App& app, members_request& m) {
  app.add_option("--run", m.runs, "folder of the run; several, each behind a --run of its own, predict together")
      ->required()
      ->check(CLI::ExistingDirectory)
      ->allow_extra_args(false);
  add_device(app, m.device);
  app.add_option("--checkpoint", m.checkpoint, "best or last")->capture_default_str()->check(CLI::IsMember({"best", "last"}));
  add_tf32(app, m.tf32);
}

/// How masks are made of what they predict.
inline void add_finishing(CLI::App& app, finishing& f) {
  app.add_flag_function(
      "--tta,!--no-tta", [&f](std::int64_t n) { f.augmented = n > 0; },
      "test-time augmentation: the image and its three mirrored views, fused (default: what dcs_tune found better, else no)");
  auto* file = app.add_option("--postprocessing", f.postprocessing, "postprocessing.json of dcs_tune (default: the run's, where it has one)")
                   ->check(CLI::ExistingFile);
  app.add_flag("!--no-postprocessing", f.postprocess, "make masks of what is above 0.5, as if dcs_tune had not chosen anything")->excludes(file);
}

}  // namespace programs
