// expect: the number of elements of a shape with dynamic extents is known only at run time
#include <dcs/core/shape.hpp>

int main() { static_assert(dcs::shape<dcs::dyn<"n">, 2>::size() > 0); }
