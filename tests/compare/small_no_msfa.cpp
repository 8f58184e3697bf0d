#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant small_no_msfa() { return make_variant<dcsnet<resnet<18, nn::frozen_batch_norm>, dghc<32>, mean_fusion, 32>>(18, false, false); }
}  // namespace compare
