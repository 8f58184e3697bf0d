// Convolutions in f32: see dcs/core/compiled.hpp.
#include <dcs/ops/conv2d/conv2d.hpp>

namespace dcs {

namespace cpu {
DCS_CONV2D_ENTRIES(template, float)
}
namespace detail {
DCS_CONV2D_CALL_ENTRIES(template, float)
}

}  // namespace dcs
