// The flags of dcs_predict about what is read and written, whatever segments it.
#pragma once

#include "session.hpp"
#include "volume_flags.hpp"

namespace programs {

inline void add_predict_flags(CLI::App& app, predict_request& p) {
  app.add_option("--out", p.out, "folder for the results")->required();
  app.add_option("--probabilities", p.probabilities,
                 "write probabilities too: png (16 bits, 65535 is 1) or npy (f32); those of a volume are NIfTI either way")
      ->check(CLI::IsMember({"png", "npy"}));
  app.add_flag("--deviation", p.deviation, "write NAME.deviation.npy (of a volume NIfTI): each pixel's standard deviation over views and runs");
  app.add_flag("!--no-overlays", p.overlays, "draw no overlays");
  add_spacing(app, p.spacing, "distance of rows and of columns in mm (default: what a volume or the spacing.csv of an image's set says)");
  add_volume_flags(app, p.volume);
  add_limits(app, p.limits);
  app.add_option("images", p.images, "images (PNG, JPEG, TIFF), volumes (NIfTI), folders of them, or lists (NAME.txt, a path in each line)")
      ->required();
}

}  // namespace programs
