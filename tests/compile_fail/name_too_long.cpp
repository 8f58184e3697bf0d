// expect: the name of an extent has at most 19 characters
#include <dcs/core/shape.hpp>

int main() {
  dcs::shape<dcs::dyn<"proposals_of_an_image">> s;
  (void)s;
}
