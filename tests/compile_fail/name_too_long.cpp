// expect: the name of an extent has at most nine characters
#include <dcs/core/shape.hpp>

int main() {
  dcs::shape<dcs::dyn<"proposals0">> s;
  (void)s;
}
