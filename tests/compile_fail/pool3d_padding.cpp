// expect: dcs::pool: padding must be at most half the window
// expect: pool_padding_mismatch<dcs::found_extent<2>, dcs::expected_extent<1>, dcs::axis<1>
#include <dcs/ops/pool/pool.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 4, 8>> x;
  dcs::max_pool3d<3, 1, 2>(x);
}
