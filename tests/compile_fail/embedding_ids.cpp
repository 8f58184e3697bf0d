// expect: dcs::embedding: ids are whole numbers (std::int64_t) on the host
#include <dcs/ops/embedding/embedding.hpp>

int main() { dcs::embedding(dcs::tensor<float, dcs::shape<2, 5>>(), dcs::tensor<float, dcs::shape<10, 4>>()); }
