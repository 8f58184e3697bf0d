// expect: dcs::matmul: the columns of the left operand must be the rows of the right one
// expect: found_extent<49>
// expect: expected_extent<32>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 8, 49, 32>> q, k;
  (void)eval(softmax<3>(matmul(q, k)));  // here
}
