#include "mask_rcnn.hpp"
#include "variants.hpp"

namespace compare {
variant mask_rcnn() { return make_mask_rcnn<dcs::mask_rcnn<resnet<50>>>("False"); }
}  // namespace compare
