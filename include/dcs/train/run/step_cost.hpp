// What a training step takes on this machine: memory and time, as they are measured (train/run/memory.hpp, the programs' dcs_plan).
#pragma once

#include <dcs/core/header_begin.inl>

#include <cstdint>

DCS_EXACT_MATH
namespace dcs {

/// Bytes that a step takes on the host.
struct step_memory {
  std::int64_t fixed = 0;      ///< of network and optimiser, whatever the batch
  std::int64_t gradients = 0;  ///< of the parameters, likewise
  std::int64_t an_image = 1;   ///< of maps and their gradients, for an image of the batch; at least 1
  /// The number of images of which a step fits into so many bytes; below 1: none.
  std::int64_t images_in(std::int64_t bytes) const { return (bytes - fixed - gradients) / an_image; }
  /// What a step takes at another side of images, as maps go with the side's square.
  step_memory at_side(int side, int measured_side) const {
    const double share = static_cast<double>(side) / measured_side;
    return {fixed, gradients, static_cast<std::int64_t>(static_cast<double>(an_image) * share * share) + 1};
  }
};

/// Seconds that a batch takes.
struct batch_seconds {
  double train = 0, validate = 0;
  double load = 0;  ///< reading, augmenting and normalising its images by one thread, beside the step of the batch before it
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
