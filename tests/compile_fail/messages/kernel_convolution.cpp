// expect: dcs::expect_kernel
// expect: kernel_mismatch<dcs::kernels::pointwise_chain, dcs::kernels::convolution_epilogue, dcs::reasons::order_is_not_scale_shift_residual_relu>
#include <dcs/dcs.hpp>
#include <dcs/expr/explain.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<1, 16, 16, 8>> x;
  const tensor<float, shape<3, 3, 8, 8>> w;
  const auto turned = relu(relu(conv2d<1, 1>(x, w)));
  static_assert(expect_kernel<decltype(turned), kernels::convolution_epilogue>::checked);  // here
}
