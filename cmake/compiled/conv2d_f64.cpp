// Convolutions in f64: see dcs/core/compiled.hpp.
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv3d/run.hpp>
#include <dcs/ops/conv_transpose2d/cpu.hpp>

namespace dcs {

namespace cpu {
DCS_CONV2D_ENTRIES(template, double)
DCS_CONV_TRANSPOSE2D_ENTRIES(template, double)
}  // namespace cpu
namespace detail {
DCS_CONV2D_CALL_ENTRIES(template, double)
DCS_CONV3D_CALL_ENTRIES(template, double)
}  // namespace detail

}  // namespace dcs
