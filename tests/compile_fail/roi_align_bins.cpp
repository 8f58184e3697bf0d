// expect: dcs::roi_align: a crop has at least one bin along either axis
#include <dcs/ops/roi_align/roi_align.hpp>

int main() {
  const dcs::tensor<float, dcs::shape<1, 8, 8, 4>> x;
  const dcs::tensor<float, dcs::shape<3, 5>> rois;
  dcs::roi_align<0>(x, rois, {});
}
