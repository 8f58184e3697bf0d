// expect: dcs::nn::conv2d: a layer of one input; try: conv(x)
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::conv2d<64, 64, 3> conv;
  const tensor<float, shape<dyn<"n">, 8, 8, 64>> x, skip;
  (void)eval(conv(x, skip));  // here
}
