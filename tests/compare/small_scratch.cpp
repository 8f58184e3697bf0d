#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant small_scratch() { return make_variant<dcsnet<resnet<18, nn::batch_norm>, dghc<32>, msfa<4, 8>, 32>>(18, true, true); }
}  // namespace compare
