// expect: dcs::nn::upsample_bilinear: a layer of two inputs
// expect: try: up(x, like)
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const nn::upsample_bilinear up;
  const tensor<float, shape<dyn<"n">, 8, 8, 64>> x;
  (void)up(x);  // here
}
