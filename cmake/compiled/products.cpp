// Matrix products and what is made of them: see dcs/core/compiled.hpp.
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/linear/linear.hpp>

namespace dcs {

namespace cpu {
DCS_DEFINE_MAP_ENTRIES(DCS_GEMM_ENTRIES)
DCS_DEFINE_ENTRIES(DCS_RANDOM_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_ATTENTION_ENTRIES)
}  // namespace cpu
namespace detail {
DCS_DEFINE_MAP_ENTRIES(DCS_LINEAR_ENTRIES)
}

}  // namespace dcs
