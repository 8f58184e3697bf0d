// What samples, moves or merges maps: see dcs/core/compiled.hpp.
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/pool/cpu.hpp>
#include <dcs/ops/rearrange/cpu.hpp>
#include <dcs/ops/resize/resize.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>
#include <dcs/ops/unfold/cpu.hpp>
#include <dcs/ops/weighted_sum/cpu.hpp>

namespace dcs {

namespace cpu {
DCS_DEFINE_MAP_ENTRIES(DCS_POOL_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_REARRANGE_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_RESIZE_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_ROI_ALIGN_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_UNFOLD_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_WEIGHTED_SUM_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_LAPLACIAN_EDGES_ENTRIES)
}  // namespace cpu
namespace detail {
DCS_DEFINE_MAP_ENTRIES(DCS_RESIZE_CALL_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_ROI_ALIGN_CALL_ENTRIES)
}  // namespace detail

}  // namespace dcs
