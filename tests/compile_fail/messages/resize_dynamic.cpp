// expect: dcs::resize_bilinear: height and width are static
// expect: try: resize_bilinear_like
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<1, 32, 32, 8>> x;
  (void)resize_bilinear<corners::aligned, dyn<"height">, dyn<"width">>(x);  // here
}
