// expect: a member of a network must be a parameter, a buffer, or a struct with DCS_MEMBERS
#include <dcs/nn/module.hpp>

struct network {
  int layers = 3;
  DCS_MEMBERS(layers)
};

int main() {
  network n;
  dcs::initialize(n, 1);
}
