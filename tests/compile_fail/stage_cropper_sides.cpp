// expect: dcs::dcsnet: a crop has the side base, base / 2, base / 4 or base / 8 (axes 1 and 2) and the pyramid's channels (axis 3)
// expect: crop_mismatch<dcs::found_extent<64>, dcs::expected_extent<32>, dcs::axis<1>
// expect: crop_mismatch<dcs::found_extent<16>, dcs::expected_extent<8>, dcs::axis<2>
#include <dcs/models/dcsnet/dcsnet.hpp>

#include "backbone.hpp"

// Crops of another base than it says.
struct cropper : dcs::models::dcsnet::dghc<64> {
  static constexpr int base = 32;
};
int main() { dcs::dcsnet<backbone, cropper, dcs::models::dcsnet::mean_fusion, 32> net; }
