// expect: dcs::faster_rcnn: the maps of a backbone have strides 4, 8, 16 and 32 (axes 1 and 2) and its channels (axis 3)
// expect: backbone_mismatch<dcs::found_extent<32>, dcs::expected_extent<16>, dcs::axis<1>
#include <dcs/detect/faster_rcnn.hpp>
#include <dcs/models/dcsnet/stages.hpp>

// Strides 2, 4, 8 and 16: crops would be taken from the wrong places.
struct backbone {
  static constexpr std::array<int, 4> channels{8, 8, 8, 8};
  dcs::nn::conv2d<3, 8, 2, 2, 0> stem;
  dcs::nn::conv2d<8, 8, 2, 2, 0> down;
  DCS_MEMBERS(stem, down)
  template <dcs::operand X>
  constexpr auto operator()(const X& images) const {
    const auto c2 = eval(stem(images));
    const auto c3 = eval(down(c2));
    const auto c4 = eval(down(c3));
    return std::tuple(c2, c3, c4, eval(down(c4)));
  }
};
int main() { dcs::faster_rcnn<backbone, 32, dcs::models::dcsnet::stages> detector; }
