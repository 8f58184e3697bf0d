// expect: dcs::shape: an extent is at least 0, or an expression over names of at most 19 characters
#include <dcs/core/shape.hpp>

int main() {
  constexpr auto height = static_cast<dcs::extent_t>(dcs::dyn<"height">);
  dcs::shape<height, 3> s;
  (void)s;
}
