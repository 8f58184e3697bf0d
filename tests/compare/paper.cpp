#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant paper() { return make_variant<dcsnet<resnet<50, nn::frozen_batch_norm>, dghc<64>, msfa<4, 8>, 256>>(50, true, false); }
}  // namespace compare
