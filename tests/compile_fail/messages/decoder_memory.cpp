// expect: dcs::multi_head_attention: tokens have the axes batch, token, channel
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::transformer_decoder_layer<8, 2, 16> layer;
  const tensor<float, shape<dyn<"n">, dyn<"tokens">, 8>> x;
  const tensor<float, shape<dyn<"words">, 8>> memory;
  (void)layer(x, memory);  // here
}
