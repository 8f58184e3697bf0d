// Pointwise expressions in f64: see dcs/expr/common.hpp.
#include <dcs/detect/region_masks.hpp>
#include <dcs/loss/classes.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/normalise/normalise.hpp>

namespace dcs {

DCS_UNARY_EXPRESSIONS(template, double)
DCS_BINARY_EXPRESSIONS(template, double)
DCS_ACTIVATION_EXPRESSIONS(template, double)
DCS_NETWORK_EXPRESSIONS(template, double)
DCS_SEGMENTATION_LOSS_EXPRESSIONS(template, double)
DCS_DETECTION_LOSS_EXPRESSIONS(template, double)
DCS_CLASSES_LOSS_EXPRESSIONS(template, double)
DCS_REGION_EXPRESSIONS(template, double)
DCS_NORMALISE_EXPRESSIONS(template, double)

}  // namespace dcs
