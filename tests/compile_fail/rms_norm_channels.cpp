// expect: dcs::rms_norm: gamma must have the extent of the input's last axis
// expect: rms_norm_mismatch<dcs::found_extent<5>, dcs::expected_extent<6>, dcs::axis<2>
#include <dcs/ops/normalise/normalise.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<2, 3, 6>> x;
  const dcs::tensor<float, dcs::shape<5>> p;
  dcs::rms_norm(x, p);  // here
}
