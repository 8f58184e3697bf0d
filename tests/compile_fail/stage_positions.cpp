// expect: dcs::broadcast: extents of the two operands must be equal, or one of them 1
// expect: broadcast_mismatch<dcs::found_extent<256>, dcs::expected_extent<208>, dcs::axis<1>
#include <dcs/models/dcsnet/segmentation_head.hpp>

int main() {
  const dcs::models::dcsnet::segmentation_head<256, 64, dcs::models::dcsnet::mean_fusion> head;
  const dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, 208, 256>> tokens;
  eval(tokens + head.position_embedding.as(tokens));
}
