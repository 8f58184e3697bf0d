// expect: dcs::tensor: the elements must have at most 2^60 bytes
// expect: 1152921504606846976
#include <dcs/core/tensor.hpp>

int main() { const dcs::tensor<float, dcs::shape<dcs::dyn<"n">, 1152921504606846976>> x; }
