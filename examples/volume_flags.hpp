// Flags about volumes: which of their slices are images, and which values become grey.
#pragma once

#include "command_line.hpp"

#include <dcs/data/volumes.hpp>

namespace programs {

/// The flags of programs that make images of a volume's slices; a network predicts best for slices made as those that it was trained on.
/// `without_window`: what else the program may take in place of --window, as part of its help.
inline void add_volume_flags(CLI::App& app, dcs::volume_options& v, const std::string& without_window = "") {
  app.add_option("--axis", v.axis, "volumes: the axis that slices lie along, 0 to 2 as they are stored")
      ->capture_default_str()
      ->check(CLI::Range(0, 2));
  app.add_option("--window", v.window, "volumes: CENTRE,WIDTH: values that become 0 to 255; without, --percentiles" + without_window)
      ->delimiter(',')
      ->expected(2);
  app.add_option("--percentiles", v.percentiles, "volumes: LOW,HIGH: percentiles of the whole volume that become 0 and 255")
      ->delimiter(',')
      ->expected(2)
      ->capture_default_str();
}

}  // namespace programs
