// Lesson 3. A tensor records nothing; a var does. Which of the two goes into an equation decides whether there will be gradients: there is no flag to
// forget.
#include "check.hpp"

#include <dcs/dcs.hpp>

using namespace dcs;

using points = tensor<double, shape<dyn<"point">, 1>>;
using number_type = tensor<double, shape<1>>;

// Written once, for tensors and vars alike.
const auto line = [](const auto& x, const auto& slope, const auto& offset) { return x * slope + offset; };

int main() {
  // Points on y = 3 x - 1, and noise.
  const extent_t n = 200;
  const auto x = random_normal<double, points::shape_type>({n, 1}, {1, 1});
  const auto noise = random_normal<double, points::shape_type>({n, 1}, {1, 2}, 0.01);
  const auto y = eval(x * 3 - 1 + noise);

  // Tensors in, tensor out. A var in, var out.
  const auto zero = number_type::zeros();
  static_assert(is_tensor_v<decltype(eval(line(x, zero, zero)))>);
  static_assert(any_var_v<decltype(line(x, var<double, shape<1>>(), zero))>);

  // Gradient descent on the mean squared error. A leaf keeps the gradient that arrives; leaves are what one differentiates by.
  auto slope = var<double, shape<1>>::leaf(number_type::zeros()), offset = var<double, shape<1>>::leaf(number_type::zeros());
  double loss = 0;
  for (int step = 0; step < 100; ++step) {
    const auto error = mean_all(square(line(x, slope, offset) - y));
    loss = error.item();
    backward(error);  // frees the record on its way: once is all it can be done
    for (auto* leaf : {&slope, &offset}) {
      leaf->value()(0) -= 0.1 * leaf->grad()(0);
      leaf->clear_grad();  // gradients add up until they are cleared
    }
  }
  std::printf("y = %.4f x %+.4f, loss %.2e\n", slope.value()(0), offset.value()(0), loss);
  check_near(slope.value()(0), 3, "the slope", 0.01);
  check_near(offset.value()(0), -1, "the offset", 0.01);

  // A value used twice gets both gradients: d(x² + 5 x) = 2 x + 5.
  const auto t = var<double, shape<1>>::leaf(number_type::full(3));
  backward(sum_all(square(t) + t * 5));
  check_near(t.grad()(0), 11, "the gradient of a value that is used twice");

  // A var that is no leaf is a constant. It says "training" to dropout and batch norm, and nothing flows back into it.
  const auto constant = var<double, shape<1>>(number_type::full(4));
  const auto s = var<double, shape<1>>::leaf(number_type::full(2));
  backward(sum_all(constant * s));
  check_near(s.grad()(0), 4, "the gradient beside a constant");
  check(!constant.has_grad(), "a constant has no gradient: reading it would be a dcs::error");

  // How every op of the library is tested, for yours: derivatives against central differences.
  const double worst = gradcheck([](const auto& a, const auto& b) { return sigmoid(matmul(a, b)) * 2; }, {5, 5}, 50,
                                 random_normal<double, shape<2, 3, 4>>({2, 3, 4}, {2, 1}), random_normal<double, shape<2, 4, 5>>({2, 4, 5}, {2, 2}));
  check(worst < 1e-6, "the gradient check");
  return wrong;
}
