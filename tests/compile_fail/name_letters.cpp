// expect: the name of an extent is made of lower-case letters, digits and underscores
#include <dcs/core/shape.hpp>

int main() {
  dcs::shape<dcs::dyn<"Roi">> s;
  (void)s;
}
