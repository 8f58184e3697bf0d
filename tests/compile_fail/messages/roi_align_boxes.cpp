// expect: dcs::roi_align: a RoI is five numbers
// expect: found_extent<4>
// expect: expected_extent<5>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<1, 64, 64, 256>> map;
  const tensor<float, shape<dyn<"roi">, 4>> boxes;      // x1, y1, x2, y2, without the image's number
  (void)roi_align<7>(map, boxes, {1.0 / 4, 2, false});  // here
}
