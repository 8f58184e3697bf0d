// expect: dcs::shape: the product of the extents must be at most 2^60
// expect: 4611686018427387908, 4>
#include <dcs/core/shape.hpp>

int main() { return static_cast<int>(dcs::shape<dcs::dyn<"n">, 4611686018427387908, 4>::rank); }
