// expect: broadcast_mismatch<dcs::found_extent<-1, 'h', 'e', 'i', 'g', 'h', 't', '/', '4'>
// expect: dcs::expected_extent<-1, 'h', 'e', 'i', 'g', 'h', 't', '/', '2', '-', '1'>, dcs::axis<0>
#include <dcs/expr/pointwise.hpp>

int main() {
  constexpr dcs::extent height = dcs::dyn<"height">;
  const dcs::tensor<float, dcs::shape<dcs::minus(dcs::divided(height, 2), 1), 3>> x;
  const dcs::tensor<float, dcs::shape<dcs::divided(height, 4), 3>> y;
  eval(x + y);
}
