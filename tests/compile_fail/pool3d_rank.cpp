// expect: dcs::max_pool3d, dcs::avg_pool3d: the input must have the five axes N,D,H,W,C; number of axes
// expect: pool3d_rank_mismatch<dcs::found_extent<4>, dcs::expected_extent<5>, dcs::axis<0>
#include <dcs/ops/pool/pool.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 4, 4, 8>> x;
  dcs::max_pool3d<2>(x);
}
