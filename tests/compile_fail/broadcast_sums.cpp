// expect: broadcast_mismatch<dcs::found_extent<-1, 'a', '*', '2'>, dcs::expected_extent<-1, 'a', '+', 'b', '_', '1'>, dcs::axis<0>
#include <dcs/expr/pointwise.hpp>

int main() {
  constexpr dcs::extent a = dcs::dyn<"a">, b = dcs::dyn<"b_1">;
  const dcs::tensor<float, dcs::shape<dcs::plus(b, a), 3>> x;
  const dcs::tensor<float, dcs::shape<dcs::plus(a, a), 3>> y;
  eval(x + y);
}
