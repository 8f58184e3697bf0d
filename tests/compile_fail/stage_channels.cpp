// expect: dcs::conv2d: the channels of the input (axis 3) must be those the weight expects
// expect: conv2d_channel_mismatch<dcs::found_extent<512>, dcs::expected_extent<2048>, dcs::axis<3>
#include <dcs/models/fpn/fpn.hpp>

int main() {
  const dcs::fpn<256, 256, 512, 1024, 2048> neck;
  const std::tuple<dcs::tensor<float, dcs::shape<1, 64, 64, 64>>, dcs::tensor<float, dcs::shape<1, 32, 32, 128>>,
                   dcs::tensor<float, dcs::shape<1, 16, 16, 256>>, dcs::tensor<float, dcs::shape<1, 8, 8, 512>>>
      maps;
  neck(maps);
}
