// Convolutions in bf16: see dcs/core/compiled.hpp.
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv3d/run.hpp>
#include <dcs/ops/conv_transpose2d/cpu.hpp>

namespace dcs {

namespace cpu {
DCS_CONV2D_ENTRIES(template, bf16)
DCS_CONV_TRANSPOSE2D_ENTRIES(template, bf16)
}  // namespace cpu
namespace detail {
DCS_CONV2D_CALL_ENTRIES(template, bf16)
DCS_CONV3D_CALL_ENTRIES(template, bf16)
}  // namespace detail

}  // namespace dcs
