// A consumer: one file, one call.
#include <dcs/dcs.hpp>

#include <string_view>

#if defined(PACKAGE_VERSION)
static_assert(std::string_view(PACKAGE_VERSION) == DCS_VERSION);
#endif

double other_unit();

int main() {
  const auto x = dcs::tensor<float, dcs::shape<2, 8, 8, 3>>::full(1);
  const auto w = dcs::tensor<float, dcs::shape<3, 3, 3, 4>>::full(1);
  const auto y = eval(relu(dcs::conv2d<1, 1>(x, w) * 2));
  return y(0, 4, 4, 0) == 54 && other_unit() == 54 ? 0 : 1;
}
