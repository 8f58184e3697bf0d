#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant paper_no_msfa() { return make_variant<dcsnet<resnet<50, nn::frozen_batch_norm>, dghc<64>, mean_fusion, 256>>(50, false, false); }
}  // namespace compare
