// expect: dcs::multi_head_attention: a mask has the axes of the scores, batch, head, query and key, or the last of them
// expect: found_extent<-1, 't', 'o', 'k', 'e', 'n', 's'>
// expect: expected_extent<-1, 'w', 'o', 'r', 'd', 's'>
// expect: dcs::axis<3>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::transformer_decoder_layer<8, 2, 16> layer;
  const tensor<float, shape<dyn<"n">, dyn<"tokens">, 8>> x;
  const tensor<float, shape<dyn<"n">, dyn<"words">, 8>> memory;
  const tensor<float, shape<dyn<"n">, 1, 1, dyn<"tokens">>> padding;
  (void)layer(x, memory, nn::no_mask, padding);  // here
}
