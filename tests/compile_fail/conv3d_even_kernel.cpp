// expect: no padding keeps the size under an even kernel; expected a padding of 0 or more after the stride: try conv3d<In, Out, Kernel, Stride, 0>
#include <dcs/nn/layers_1d_3d.hpp>

int main() { dcs::nn::conv3d<4, 8, 2> layer; }
