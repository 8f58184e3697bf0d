// expect: dcs::onnx: this pointwise function has no export
#include <dcs/onnx/export.hpp>

struct cube {
  template <class T>
  static T f(T x) {
    return x * x * x;
  }
  template <int, class T>
  static T df(T, T x) {
    return T(3) * x * x;
  }
};

int main() {
  const auto x = dcs::tensor<float, dcs::shape<2, 3>, dcs::onnx::device>::empty();
  (void)dcs::eval(dcs::apply<cube>(x));
}
