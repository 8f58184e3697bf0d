// expect: dcs::shape: an extent is at least 0, or an expression over names of at most 19 characters
#include <dcs/core/shape.hpp>

int main() {
  dcs::shape<dcs::minus(dcs::dyn<"a">, dcs::dyn<"b">), 3> s;
  (void)s;
}
