// Boxes, and what a detector chooses of them: see dcs/core/compiled.hpp.
#include <dcs/detect/box_head.hpp>
#include <dcs/detect/region_masks.hpp>

namespace dcs {

namespace cpu {
DCS_DEFINE_MAP_ENTRIES(DCS_GATHER_ENTRIES)
}
DCS_DEFINE_ENTRIES(DCS_NMS_ENTRIES)
DCS_DEFINE_ENTRIES(DCS_MATCHER_ENTRIES)
DCS_DEFINE_ENTRIES(DCS_PASTE_ENTRIES)
DCS_DEFINE_ENTRIES(DCS_BOX_HEAD_ENTRIES)

}  // namespace dcs
