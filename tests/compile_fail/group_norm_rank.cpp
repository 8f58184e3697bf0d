// expect: dcs::group_norm: an input has a batch, positions and channels: shape<N, H, W, C> or shape<N, L, C>
#include <dcs/ops/group_norm/group_norm.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<5, 6>> x;
  const dcs::tensor<float, dcs::shape<6>> p;
  dcs::group_norm<2>(x, p, p);  // here
}
