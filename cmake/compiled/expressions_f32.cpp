// Pointwise expressions in f32: see dcs/expr/common.hpp.
#include <dcs/detect/region_masks.hpp>
#include <dcs/loss/classes.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/normalise/normalise.hpp>

namespace dcs {

DCS_UNARY_EXPRESSIONS(template, float)
DCS_BINARY_EXPRESSIONS(template, float)
DCS_ACTIVATION_EXPRESSIONS(template, float)
DCS_NETWORK_EXPRESSIONS(template, float)
DCS_SEGMENTATION_LOSS_EXPRESSIONS(template, float)
DCS_DETECTION_LOSS_EXPRESSIONS(template, float)
DCS_CLASSES_LOSS_EXPRESSIONS(template, float)
DCS_REGION_EXPRESSIONS(template, float)
DCS_NORMALISE_EXPRESSIONS(template, float)

}  // namespace dcs
