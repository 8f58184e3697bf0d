// expect: dcs::concat: the operands must be equal along every other axis
// expect: concat_mismatch<dcs::found_extent<32>, dcs::expected_extent<64>, dcs::axis<2>
#include <dcs/models/dcsnet/msfa.hpp>

int main() {
  const dcs::models::dcsnet::gate_logits<256, 4> gate;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 64, 64, 256>> level;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 64, 32, 256>> smaller;
  gate(level, smaller, level, level);
}
