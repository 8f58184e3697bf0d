// expect: dcs::dcsnet: a crop has the side base, base / 2, base / 4 or base / 8 (axes 1 and 2) and the pyramid's channels (axis 3)
// expect: crop_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<1>
// expect: crop_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<3>
#include <dcs/models/dcsnet/segmentation_head.hpp>

template <int Side, int Channels>
using crop = dcs::tensor<float, dcs::shape<dcs::dyn<"roi">, Side, Side, Channels>>;

int main() {
  const dcs::models::dcsnet::segmentation_head<32, 32, dcs::models::dcsnet::mean_fusion> head;
  head(std::tuple<crop<64, 32>, crop<16, 32>, crop<8, 64>, crop<4, 32>>());
}
