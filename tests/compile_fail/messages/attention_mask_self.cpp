// expect: dcs::multi_head_attention: a mask has the axes of the scores, batch, head, query and key, or the last of them
// expect: attention_mask_mismatch<dcs::found_extent<6>, dcs::expected_extent<5>, dcs::axis<2>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::multi_head_attention<8, 2> attention;
  const tensor<float, shape<2, 5, 8>> x;
  (void)attention.masked(x, causal_mask<float, shape<6, 6>>());  // here
}
