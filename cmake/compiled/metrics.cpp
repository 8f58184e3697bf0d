// What is measured of a prediction: see dcs/core/compiled.hpp.
#include <dcs/metrics/metrics.hpp>

namespace dcs {
DCS_DEFINE_ENTRIES_ONCE(DCS_METRICS_ENTRIES)
}
