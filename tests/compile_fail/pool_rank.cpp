// expect: dcs::pool: the input must have the four axes N,H,W,C
// expect: pool_rank_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/ops/pool/pool.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<4, 4, 8>> x;
  dcs::max_pool2d<2>(x);
}
