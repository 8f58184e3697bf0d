#include "dcsnet.hpp"
#include "variants.hpp"

namespace compare {
variant paper_scratch() { return make_variant<dcsnet<resnet<50, nn::batch_norm>, dghc<64>, msfa<4, 8>, 256>>(50, true, true); }
}  // namespace compare
