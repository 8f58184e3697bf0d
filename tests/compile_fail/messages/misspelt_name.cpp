// expect: dcs::concat: the operands must be equal along every other axis; equal names are equal sizes: is one misspelt?
// expect: 'h', 'e', 'i', 'g', 't', 'h'>
// expect: 'h', 'e', 'i', 'g', 'h', 't'>
#include <dcs/dcs.hpp>
using namespace dcs;

int main() {
  const tensor<float, shape<dyn<"n">, dyn<"height">, 64, 8>> x;
  const tensor<float, shape<dyn<"n">, dyn<"heigth">, 64, 8>> y;
  (void)concat<channel>(x, y);  // here
}
