// expect: dcs::shape: an extent is at least 0, or an expression over names of at most 19 characters
#include <dcs/core/shape.hpp>

int main() {
  dcs::shape<dcs::plus(dcs::dyn<"small_lesions">, dcs::dyn<"large_lesions">)> s;
  (void)s;
}
