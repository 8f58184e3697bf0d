// expect: dcs::dcsnet: a cropper gives the four crops of P2 to P5; number of crops
// expect: crop_count_mismatch<dcs::found_extent<3>, dcs::expected_extent<4>, dcs::axis<0>
#include <dcs/models/dcsnet/dcsnet.hpp>

#include "backbone.hpp"

struct cropper : dcs::models::dcsnet::dghc<32> {
  template <class Pyramid, class Rois>
  constexpr auto operator()(const Pyramid& pyramid, const Rois& rois) const {
    return dcs::roi_align_pyramid<32, 16, 8>(pyramid, rois, {4, 8, 16});
  }
};
int main() { dcs::dcsnet<backbone, cropper, dcs::models::dcsnet::mean_fusion, 32> net; }
