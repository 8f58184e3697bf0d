// The networks that compare_reference has compiled in, one translation unit each.
#pragma once

#include "outcome.hpp"

namespace compare {
variant paper(), paper_no_msfa(), paper_scratch(), small(), small_no_msfa(), small_scratch();
variant unet(), unet_small(), unet_plus_plus(), unet_plus_plus_small(), attention_unet(), attention_unet_small(), mask_rcnn(), mask_rcnn_small();
}  // namespace compare
