// expect: dcs::expect_kernel
// expect: kernel_mismatch<dcs::kernels::matrix_product, dcs::kernels::attention, dcs::reasons::left_of_the_matmul_is_no_softmax_over_axis_3>
#include <dcs/dcs.hpp>
#include <dcs/expr/explain.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, 8, 49, 32>> q, k, v;
  const auto attended = matmul(softmax<2>(matmul(q, transpose(k))), v);           // over the queries, not the keys
  static_assert(expect_kernel<decltype(attended), kernels::attention>::checked);  // here
}
