// expect: dcs::roi_align: every level must have the same number of channels (axis 3)
// expect: roi_align_channel_mismatch<dcs::found_extent<6>, dcs::expected_extent<4>, dcs::axis<3>
#include <dcs/ops/roi_align/roi_align.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<1, 4, 4, 6>> y;
  const dcs::tensor<float, dcs::shape<3, 5>> z;
  const dcs::tensor<std::int64_t, dcs::shape<3>> level;
  dcs::roi_align_levels<7>(z, level, {1.0, 0.5}, 2, x, y);
}
