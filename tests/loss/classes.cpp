// Losses over classes: against PyTorch's (goldens/classes.py), the gradient check, values by hand, pixels that are not labelled, and numbers that are
// no class.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/loss/classes.hpp>
#include <dcs/ops/softmax/softmax.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

template <int K>
using scores = shape<dyn<"n">, dyn<"h">, dyn<"w">, K>;
using class_map = shape<dyn<"n">, dyn<"h">, dyn<"w">, 1>;

/// Classes 0 to K − 1, and where `unlabelled`, −1 now and then.
template <int K, class T = double>
tensor<T, class_map> classes_of(extent_t n, extent_t h, extent_t w, bool unlabelled) {
  auto c = tensor<T, class_map>::empty({n, h, w, 1});
  const random_stream r{3, 8};
  for (extent_t i = 0; i < c.size(); ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    c.data()[i] = unlabelled && r.child(1).uniform(at) < 0.2f ? T(-1) : static_cast<T>(r.below(at, K));
  }
  return c;
}

template <int K, class Loss>
void check_gradients(const Loss& loss) {
  for (extent_t n : {1, 2})
    for (extent_t h : {1, 2, 3, 5, 8})
      for (const bool unlabelled : {false, true}) {
        CAPTURE(n);
        CAPTURE(h);
        const extent_t w = h + n - 1;
        const auto x = random_normal<double, scores<K>>({n, h, w, K}, {1, 1}, 2);
        const auto c = classes_of<K>(n, h, w, unlabelled);
        CHECK(gradcheck([&](const auto& a) { return loss(a, c); }, {2, 2}, 12, x) < 1e-6);
      }
}

}  // namespace

TEST_CASE("every loss over classes passes the gradient check on 20 shapes, with pixels that are not labelled too") {
  const auto weights = tensor<double, shape<3>>::from(std::vector<double>{0.2, 1, 3});
  check_gradients<3>([](const auto& x, const auto& c) { return loss::cross_entropy(x, c); });
  check_gradients<3>([&](const auto& x, const auto& c) { return loss::cross_entropy(x, c, weights); });
  check_gradients<3>([](const auto& x, const auto& c) { return loss::multiclass_focal(x, c); });
  check_gradients<3>([](const auto& x, const auto& c) { return loss::multiclass_dice(softmax<channel>(x), c); });
  check_gradients<3>([&](const auto& x, const auto& c) { return loss::multiclass_dice(softmax<channel>(x), c, weights, 0.1); });
  check_gradients<3>([](const auto& x, const auto& c) { return loss::generalised_dice(softmax<channel>(x), c); });
  check_gradients<2>([](const auto& x, const auto& c) { return loss::class_cross_entropy(x, c); });
  check_gradients<1>([](const auto& x, const auto& c) { return loss::cross_entropy(x, c); });
}

TEST_CASE_TEMPLATE("losses over classes equal PyTorch's, forward and backward", T, float, double) {
  const auto file = test::goldens("classes");
  const auto check = [&]<int K>(std::integral_constant<int, K>, const std::string& n) {
    using S = scores<K>;
    constexpr double bound = sizeof(T) == 8 ? 1e-11 : 1e-5;
    const auto c = test::golden_tensor<T, class_map>(file, "labels" + n);
    const auto w = test::golden_tensor<T, shape<K>>(file, "weights" + n);
    const auto is = [&](const std::string& name, const auto& f) { test::check_op<T, S>(file, name + n, {"x"}, f, bound); };
    is("cross_entropy", [&](const auto& x) { return loss::cross_entropy(x, c); });
    is("weighted", [&](const auto& x) { return loss::cross_entropy(x, c, w); });
    is("focal", [&](const auto& x) { return loss::multiclass_focal(x, c); });
    is("dice", [&](const auto& x) { return loss::multiclass_dice(softmax<channel>(x), c); });
    is("weighted_dice", [&](const auto& x) { return loss::multiclass_dice(softmax<channel>(x), c, w); });
    is("generalised", [&](const auto& x) { return loss::generalised_dice(softmax<channel>(x), c); });
  };
  test::for_each_isa([&] {
    check(std::integral_constant<int, 2>{}, ".0");
    for (const char* n : {".1", ".2", ".3", ".4"}) check(std::integral_constant<int, 4>{}, n);
  });
}

TEST_CASE("values by hand") {
  using S = shape<1, 1, 2, 3>;
  using C = shape<1, 1, 2, 1>;
  const auto c = tensor<double, C>::from(std::vector<double>{2, 0});
  const auto none = tensor<double, C>::full(-1);
  const auto zero = tensor<double, S>::zeros();
  const double ce = std::log(3.0);
  CHECK(loss::cross_entropy(zero, c).item() == doctest::Approx(ce));
  CHECK(loss::multiclass_focal(zero, c).item() == doctest::Approx(4.0 / 9 * ce));
  const auto hot = loss::one_hot<3>(c);
  CHECK(std::vector<double>(hot.data(), hot.data() + 6) == std::vector<double>{0, 0, 1, 1, 0, 0});
  CHECK(loss::multiclass_dice(hot, c).item() == doctest::Approx(0));  // classes 0 and 2, each found; 1 occurs nowhere
  CHECK(loss::generalised_dice(hot, c).item() == doctest::Approx(0));
  const auto flat = tensor<double, S>::full(1.0 / 3);
  CHECK(loss::multiclass_dice(flat, c).item() == doctest::Approx(1 - (2.0 / 3) / (2.0 / 3 + 1)).epsilon(1e-5));
  CHECK(loss::generalised_dice(flat, c).item() == doctest::Approx(1 - (2.0 / 3) / (2.0 / 3 + 1)));
  // Scores far apart neither overflow nor vanish.
  const auto far = tensor<double, S>::from(std::vector<double>{800, 0, -800, 800, 0, -800});
  CHECK(loss::cross_entropy(far, c).item() == doctest::Approx(800));
  // Weights: Σ w ce / Σ w.
  const auto weights = tensor<double, shape<3>>::from(std::vector<double>{1, 1, 3});
  CHECK(loss::cross_entropy(far, c, weights).item() == doctest::Approx(3.0 * 1600 / 4));
  // Without a labelled pixel, or with weights of 0, losses are 0, and so are gradients.
  const auto nothing = tensor<double, shape<3>>::zeros();
  for (const auto& [map, w] : {std::pair(none, weights), std::pair(c, nothing)}) {
    const auto leaf = var<double, S>::leaf(zero);
    const auto total =
        eval(loss::cross_entropy(leaf, map, w) + loss::multiclass_focal(leaf, map, w) + loss::multiclass_dice(softmax<channel>(leaf), map, w));
    CHECK(total.value().item() == 0);
    backward(total);
    for (int i = 0; i < 6; ++i) CHECK(leaf.grad().data()[i] == 0);
  }
  CHECK(loss::generalised_dice(flat, none).item() == 0);
}

TEST_CASE("the scores of a pixel that is not labelled change nothing, NaN included") {
  using S = shape<1, 1, 3, 2>;
  using C = shape<1, 1, 3, 1>;
  const auto c = tensor<float, C>::from(std::vector<float>{1, -1, 0});
  const auto values = [&](float a, float b) {
    const auto x = var<float, S>::leaf(tensor<float, S>::from(std::vector<float>{1, 2, a, b, 0, 1}));
    const auto p = softmax<channel>(x);
    const auto total = eval(loss::cross_entropy(x, c) + loss::multiclass_focal(x, c) + loss::multiclass_dice(p, c) + loss::generalised_dice(p, c));
    backward(total);
    std::vector<float> all{total.value().item()};
    for (const int i : {0, 1, 4, 5}) all.push_back(x.grad().data()[i]);
    return all;
  };
  const auto one = values(0, 0);
  for (const float v : one) CHECK(std::isfinite(v));
  CHECK(values(50, -3) == one);
  CHECK(values(std::numeric_limits<float>::quiet_NaN(), 0) == one);
}

TEST_CASE("numbers that are no class, and maps without pixels, are errors") {
  using S = shape<2, 3>;
  const auto x = tensor<float, S>::zeros();
  for (const float wrong : {3.0f, 1.5f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto c = tensor<float, shape<2, 1>>::from(std::vector<float>{0, wrong});
    CHECK_THROWS_WITH_AS((void)loss::cross_entropy(x, c), doctest::Contains("at pixel 1; expected a whole number from 0 to 2"), error);
    CHECK_THROWS_WITH_AS((void)loss::multiclass_dice(x, c), doctest::Contains("dcs::loss::one_hot: the class map has"), error);
  }
  const auto empty = tensor<double, scores<3>>::empty({0, 4, 4, 3});
  const auto no_classes = tensor<double, class_map>::empty({0, 4, 4, 1});
  CHECK(loss::class_cross_entropy(empty, no_classes).size() == 0);
  CHECK_THROWS_WITH_AS((void)loss::cross_entropy(empty, no_classes), doctest::Contains("dcs::loss::cross_entropy: nothing to average"), error);
  CHECK_THROWS_WITH_AS((void)loss::multiclass_focal(empty, no_classes), doctest::Contains("dcs::loss::multiclass_focal: nothing to average"), error);
  CHECK(loss::multiclass_dice(empty, no_classes).item() == 0);
  CHECK(loss::generalised_dice(empty, no_classes).item() == 0);
}

TEST_CASE("losses over classes have the same bits with any number of threads") {
  const auto x = random_normal<float, scores<5>>({4, 64, 64, 5}, {1, 1}, 2);
  const auto c = classes_of<5, float>(4, 64, 64, true);
  const int before = threads();
  std::vector<float> first;
  for (const int n : {1, 2, 4}) {
    set_threads(n);
    const auto leaf = var<float, scores<5>>::leaf(x);
    const auto total = eval(loss::cross_entropy(leaf, c) + loss::generalised_dice(softmax<channel>(leaf), c));
    backward(total);
    std::vector<float> all{total.value().item()};
    all.insert(all.end(), leaf.grad().data(), leaf.grad().data() + x.size());
    if (n == 1) first = all;
    CHECK(all == first);
  }
  set_threads(before);
}
