// Norms, softmax, dropout, sums, casts and the optimiser: see dcs/core/compiled.hpp.
#include <dcs/loss/classes.hpp>
#include <dcs/loss/detection.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/dropout/cpu.hpp>
#include <dcs/ops/layer_norm/cpu.hpp>
#include <dcs/ops/softmax/cpu.hpp>
#include <dcs/optim/adamw.hpp>
#include <dcs/optim/ema.hpp>
#include <dcs/optim/sgd.hpp>

namespace dcs {

namespace cpu {
DCS_DEFINE_MAP_ENTRIES(DCS_CHAIN_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_BATCH_NORM_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_LAYER_NORM_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_SOFTMAX_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_DROPOUT_ENTRIES)
DCS_DEFINE_ENTRIES_ONCE(DCS_CAST_ENTRIES)
DCS_DEFINE_ENTRIES_ONCE(DCS_HALF_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_CROSS_ENTROPY_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_CLASSES_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_MEASURE_GRADIENTS_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_ADAMW_ENTRIES)
DCS_DEFINE_MAP_ENTRIES(DCS_SGD_ENTRIES)
DCS_DEFINE_ENTRIES(DCS_EMA_ENTRIES)
}  // namespace cpu
namespace detail {
DCS_DEFINE_MAP_ENTRIES(DCS_BATCH_NORM_CALL_ENTRIES)
}
DCS_DEFINE_MAP_ENTRIES(DCS_ACCUMULATE_ENTRIES)

}  // namespace dcs
