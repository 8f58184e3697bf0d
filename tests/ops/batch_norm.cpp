#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/layer_norm/layer_norm.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int C>
void check(extent_t n, extent_t h) {
  CAPTURE(n);
  CAPTURE(h);
  CAPTURE(C);
  using X = shape<dyn<"n">, dyn<"h">, 2, C>;
  using P = shape<C>;
  const auto x = random_normal<double, X>({n, h, 2, C}, {1, 1}, 2), r = random_normal<double, X>({n, h, 2, C}, {1, 2});
  const auto gamma = random_normal<double, P>({C}, {1, 3}), beta = random_normal<double, P>({C}, {1, 4});
  auto norm = [](const auto& a, const auto& g, const auto& b) {
    return batch_norm_training(a, g, b, tensor<double, P>::zeros(), tensor<double, P>::zeros());
  };
  CHECK(gradcheck(norm, {5, 5}, 10, x, gamma, beta) < 1e-6);
  CHECK(gradcheck([&](const auto& a, const auto& g, const auto& b) { return relu(norm(a, g, b)); }, {5, 6}, 10, x, gamma, beta) < 1e-6);
  CHECK(gradcheck([&](const auto& a, const auto& g, const auto& b, const auto& c) { return relu(norm(a, g, b) + c); }, {5, 7}, 10, x, gamma, beta,
                  r) < 1e-6);
  const auto mean = random_normal<double, P>({C}, {1, 5});
  auto variance = tensor<double, P>::empty();
  for (extent_t c = 0; c < C; ++c) variance(c) = 0.5 + mean(c) * mean(c);
  CHECK(gradcheck([&](const auto& a) { return batch_norm_inference(a, gamma, beta, mean, variance); }, {5, 4}, 10, x) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& g, const auto& b) { return layer_norm(a, g, b); }, {5, 8}, 10, x, gamma, beta) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& c, const auto& g, const auto& b) { return layer_norm(a, c, g, b); }, {5, 9}, 10, x, r, gamma, beta) <
        1e-6);
}

}  // namespace

TEST_CASE("batch norm and layer norm pass the gradient check") {
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    for (extent_t n : {0, 2, 3})
      for (extent_t h : {1, 4, 9}) {
        check<3>(n, h);
        check<8>(n, h);
        check<19>(n, h);
      }
    check<2>(1, 1);
  }
}

TEST_CASE("batch norm: statistics, their update, and one kernel with residual and ReLU") {
  using X = shape<dyn<"n">, 1, 1, 2>;
  const auto x = tensor<float, X>::from(std::vector<float>{1, 10, 3, 30}, {2, 1, 1, 2});
  const auto one = tensor<float, shape<2>>::full(1), zero = tensor<float, shape<2>>::zeros();
  auto mean = tensor<float, shape<2>>::zeros(), variance = tensor<float, shape<2>>::full(1);
  const auto e = relu(batch_norm_training(x, one, zero, mean, variance));
  static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::batch_norm_relu>);
  static_assert(std::is_same_v<kernel_of<decltype(relu(batch_norm_training(x, one, zero, mean, variance) + x))>, kernels::batch_norm_relu>);
  CHECK(mean(0) == 0);  // not evaluated yet
  const auto y = eval(e);
  CHECK(y(0, 0, 0, 0) == 0);
  CHECK(y(1, 0, 0, 1) == doctest::Approx(1).epsilon(1e-4));
  CHECK(mean(0) == doctest::Approx(0.2));
  CHECK(mean(1) == doctest::Approx(2));
  CHECK(variance(0) == doctest::Approx(0.9 + 0.1 * 2));
  CHECK(variance(1) == doctest::Approx(0.9 + 0.1 * 200));
  const auto none = tensor<float, X>::zeros({0, 1, 1, 2});
  CHECK(eval(batch_norm_training(none, one, zero, mean, variance)).size() == 0);
  CHECK(mean(1) == doctest::Approx(2));

  const auto z = eval(batch_norm_inference(x, one, zero, mean, variance));
  CHECK(z(1, 0, 0, 1) == doctest::Approx((30 - 2) / std::sqrt(20.9 + 1e-5)));
  const auto w = tensor<float, shape<1, 1, 2, 2>>::full(1);
  static_assert(
      std::is_same_v<kernel_of<decltype(relu(batch_norm_inference(conv2d(x, w), one, zero, mean, variance)))>, kernels::convolution_epilogue>);
}

TEST_CASE("norms of images without rows or columns are errors; an empty batch gives an empty result") {
  using X = shape<dyn<"n">, dyn<"h">, dyn<"w">, 2>;
  const auto one = tensor<float, shape<2>>::full(1), zero = tensor<float, shape<2>>::zeros();
  for (const auto& [h, w] : {std::pair<extent_t, extent_t>{0, 4}, {4, 0}}) {
    const auto x = tensor<float, X>::empty({2, h, w, 2});
    const std::string sizes = "sizes [2, " + std::to_string(h) + ", " + std::to_string(w) + ", 2] are 0 at axis " + (h == 0 ? "1" : "2");
    CHECK_THROWS_WITH_AS(eval(batch_norm_training(x, one, zero, zero, one)), doctest::Contains(("dcs::batch_norm: " + sizes).c_str()), error);
    CHECK_THROWS_WITH_AS(eval(batch_norm_inference(x, one, zero, zero, one)), doctest::Contains(("dcs::batch_norm: " + sizes).c_str()), error);
    CHECK_THROWS_WITH_AS(layer_norm(x, one, zero), doctest::Contains(("dcs::layer_norm: " + sizes).c_str()), error);
    CHECK_THROWS_WITH_AS(layer_norm(x, x, one, zero), doctest::Contains(("dcs::layer_norm: " + sizes).c_str()), error);
  }
  CHECK_THROWS_AS(layer_norm(tensor<float, shape<3, 0, 2>>::empty(), one, zero), error);
  const auto none = tensor<float, X>::empty({0, 4, 4, 2});
  CHECK(eval(batch_norm_inference(none, one, zero, zero, one)).size() == 0);
  CHECK(layer_norm(none, one, zero).size() == 0);
}

TEST_CASE("batch norm in f32 stays accurate over many rows of a large mean") {
  const auto x = random_normal<double, shape<1, 200, 200, 3>>({1, 200, 200, 3}, {8, 8});
  auto shifted = tensor<float, shape<1, 200, 200, 3>>::empty();
  for (extent_t i = 0; i < x.size(); ++i) shifted.data()[i] = static_cast<float>(x.data()[i] + 100);
  double mean[3], variance[3];
  cpu::norm_moments(dcs::cpu::device{}, shifted.data(), 40000, 3, mean, variance);
  for (int c = 0; c < 3; ++c) {
    double m = 0, v = 0;
    for (extent_t i = 0; i < 40000; ++i) m += static_cast<double>(shifted.data()[i * 3 + c]);
    m /= 40000;
    for (extent_t i = 0; i < 40000; ++i)
      v += (static_cast<double>(shifted.data()[i * 3 + c]) - m) * (static_cast<double>(shifted.data()[i * 3 + c]) - m);
    CHECK(mean[c] == doctest::Approx(m).epsilon(1e-13));
    CHECK(variance[c] == doctest::Approx(v / 40000).epsilon(1e-12));
  }
}

namespace {

// f32 gradients through a norm are differences of larger terms.
template <class T>
constexpr double norm_bound = sizeof(T) == 8 ? test::tolerance<T> : 4e-6;

template <class T, int C>
void check_batch_norm_golden(const io::safetensors& file) {
  using X = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;
  using P = shape<C>;
  const std::string c = std::to_string(C), name = "batch." + c;
  CAPTURE(name);
  const auto mean = test::golden_tensor<T, P>(file, name + "/mean"), variance = test::golden_tensor<T, P>(file, name + "/variance");
  test::check_op<T, X, P, P>(
      file, name, {"x", "gamma", "beta"},
      [&](const auto& x, const auto& g, const auto& b) { return batch_norm_training(x, g, b, mean.clone(), variance.clone()); }, norm_bound<T>);
  test::check_op<T, X, P, P>(
      file, "batch.other." + c, {"x", "gamma", "beta"},
      [&](const auto& x, const auto& g, const auto& b) { return batch_norm_training(x, g, b, mean.clone(), variance.clone(), 0.3, 0.01); },
      norm_bound<T>);
  test::check_op<T, X, P, P, X>(
      file, "batch.relu." + c, {"x", "gamma", "beta", "residual"},
      [&](const auto& x, const auto& g, const auto& b, const auto& r) {
        return relu(batch_norm_training(x, g, b, mean.clone(), variance.clone()) + r);
      },
      norm_bound<T>);

  const auto x = test::golden_tensor<T, X>(file, name + "/x"), second = test::golden_tensor<T, X>(file, "batch.relu." + c + "/residual");
  const auto gamma = test::golden_tensor<T, P>(file, name + "/gamma"), beta = test::golden_tensor<T, P>(file, name + "/beta");
  test::check_op<T, X>(
      file, "frozen." + c, {"x"}, [&](const auto& v) { return batch_norm_inference(v, gamma, beta, mean, variance); }, norm_bound<T>);
  for (const bool other : {false, true}) {
    const std::string options = other ? "/other." : "/usual.";
    const auto m = mean.clone(), v = variance.clone();
    const auto step = [&](const auto& batch) { eval(batch_norm_training(batch, gamma, beta, m, v, other ? 0.3 : 0.1, other ? 0.01 : 1e-5)); };
    step(x);
    CHECK(test::golden_error(m, file, name + options + "mean.1") < test::tolerance<T>);
    CHECK(test::golden_error(v, file, name + options + "variance.1") < test::tolerance<T>);
    step(second);
    CHECK(test::golden_error(m, file, name + options + "mean.2") < test::tolerance<T>);
    CHECK(test::golden_error(v, file, name + options + "variance.2") < test::tolerance<T>);
  }
}

template <class T, int C, extent... Leading>
void check_layer_norm_golden(const io::safetensors& file) {
  using X = shape<Leading..., C>;
  using P = shape<C>;
  const std::string c = std::to_string(C);
  test::check_op<T, X, P, P>(
      file, "layer." + c, {"x", "gamma", "beta"}, [](const auto& x, const auto& g, const auto& b) { return layer_norm(x, g, b); }, norm_bound<T>);
  test::check_op<T, X, X, P, P>(
      file, "layer.residual." + c, {"x", "residual", "gamma", "beta"},
      [](const auto& x, const auto& r, const auto& g, const auto& b) { return layer_norm(x, r, g, b, 0.01); }, norm_bound<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("batch norm equals PyTorch's in training, its running statistics, and frozen", T, float, double) {
  const auto file = test::goldens("norm");
  test::for_each_isa([&] {
    check_batch_norm_golden<T, 3>(file);
    check_batch_norm_golden<T, 16>(file);
    check_batch_norm_golden<T, 19>(file);
    check_batch_norm_golden<T, 2>(file);
  });
}

TEST_CASE_TEMPLATE("layer norm equals PyTorch's, with and without a residual", T, float, double) {
  const auto file = test::goldens("norm");
  test::for_each_isa([&] {
    check_layer_norm_golden<T, 7, dyn<"n">, 3>(file);
    check_layer_norm_golden<T, 32, dyn<"n">>(file);
    check_layer_norm_golden<T, 100, 2, dyn<"l">>(file);
    check_layer_norm_golden<T, 3, 6>(file);
  });
}

TEST_CASE("running statistics move once, however often and in whichever kernel a norm is evaluated") {
  using S = shape<6, 3>;
  using C = shape<3>;
  const var<double, S> x(random_normal<double, S>({6, 3}, {1, 1}));
  const auto one = tensor<double, C>::full(1);
  const auto moved = [&](const auto& evaluate) {
    const auto mean = tensor<double, C>::zeros(), variance = tensor<double, C>::full(1);
    evaluate(batch_norm_training(x, one, one, mean, variance, 0.5));
    return std::pair(std::vector<double>(mean.data(), mean.data() + 3), std::vector<double>(variance.data(), variance.data() + 3));
  };
  const auto once = moved([](const auto& norm) { eval(norm); });
  CHECK(once.first[0] != 0);
  CHECK(moved([](const auto& norm) { eval(norm), eval(norm); }) == once);
  CHECK(moved([](const auto& norm) { eval(relu(norm)), eval(relu(norm)); }) == once);
  CHECK(moved([](const auto& norm) { eval(relu(norm)), eval(norm), eval(relu(norm + norm)); }) == once);
  CHECK(moved([&](const auto& norm) {
          const auto y = relu(norm + x), copy = y;
          eval(y), eval(copy);
        }) == once);
}
