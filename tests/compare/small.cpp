#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant small() { return make_variant<dcsnet<resnet<18, nn::frozen_batch_norm>, dghc<32>, msfa<4, 8>, 32>>(18, true, false); }
}  // namespace compare
