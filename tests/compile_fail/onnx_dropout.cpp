// expect: dcs::onnx: dcs::dropout with p > 0 has no export
#include <dcs/onnx/export.hpp>
#include <dcs/ops/dropout/dropout.hpp>

int main() {
  const auto x = dcs::tensor<float, dcs::shape<2, 3>, dcs::onnx::device>::empty();
  (void)dcs::dropout(x, 0.5, dcs::random_stream{1, 1});
}
