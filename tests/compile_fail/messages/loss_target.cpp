// expect: dcs::loss: predictions and target must have the same shape
// expect: found_extent<3>
// expect: expected_extent<4>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const var<float, shape<dyn<"n">, 64, 64, 1>> logits;
  const tensor<float, shape<dyn<"n">, 64, 64>> masks;
  (void)loss::segmentation(logits, masks);  // here
}
