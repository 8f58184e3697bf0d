// expect: dcs::laplacian_edges: a target has one channel (axis 3)
// expect: laplacian_edges_mismatch<dcs::found_extent<3>, dcs::expected_extent<1>, dcs::axis<3>
#include <dcs/loss/segmentation.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 3>> target;
  (void)dcs::laplacian_edges(target);
}
