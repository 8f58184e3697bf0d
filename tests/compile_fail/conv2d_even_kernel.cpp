// expect: dcs::nn::conv2d: no padding keeps the size under an even kernel
// expect: try conv2d<In, Out, Kernel, Stride, 0>
#include <dcs/nn/layers.hpp>

int main() { const dcs::nn::conv2d<3, 8, 4> stem; }
