// expect: dcs::embedding: the weight must have two axes of static extent, rows and their width
#include <dcs/ops/embedding/embedding.hpp>

int main() { dcs::embedding(dcs::tensor<std::int64_t, dcs::shape<2, 5>>(), dcs::tensor<float, dcs::shape<10>>()); }
