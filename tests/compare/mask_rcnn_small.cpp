#include "mask_rcnn.hpp"
#include "variants.hpp"

namespace compare {
variant mask_rcnn_small() { return make_mask_rcnn<dcs::mask_rcnn<short_resnet<4>, 16, short_stages<32>>>("True"); }
}  // namespace compare
