// Losses of several classes. Scores or probabilities have the classes as their last axis, shape<..., K>; the truth is a class map of the same shape
// with 1 in place of K, whose elements are the numbers 0 to K − 1, or negative where a pixel is not labelled. Such a pixel changes neither loss nor
// gradient.
//
// A class map has the scores' element type, as masks and objects of a batch have. Two kernels know what its numbers mean, one_hot and the
// cross-entropy of each pixel; the losses are expressions over these two. A number that is no class is a dcs::error on the host; on a GPU, where a
// kernel cannot throw, the loss is NaN, which a training step refuses.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/loss/class_map.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs::functions {

/// 1 where a pixel of a class map is labelled, else 0.
struct labelled {
  template <class T>
  DCS_DEVICE static T f(T x) {
    return x < T(0) ? T(0) : T(1);
  }
  template <int, class T>
  DCS_DEVICE static T df(T, T) {
    return T(0);
  }
};

/// 1 where x > 0, else 0.
struct positive {
  template <class T>
  DCS_DEVICE static T f(T x) {
    return x > T(0) ? T(1) : T(0);
  }
  template <int, class T>
  DCS_DEVICE static T df(T, T) {
    return T(0);
  }
};

}  // namespace dcs::functions

namespace dcs::loss {

template <class Found, class Expected, class Axis>
struct class_map_mismatch {
  static_assert(same_extent<Found, Expected>,
                "dcs::loss: a class map has the shape of the scores with 1 in place of the classes; an axis differs, or the number of axes (axis 0)");
};
template <class Found, class Expected, class Axis>
struct class_weights_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::loss: weights of classes are of shape<K>, one for each of the scores' K classes");
};

/// The weights of classes that are all 1.
struct equal_weights {};

namespace detail {

/// The shape of a class map for scores of shape S.
template <class S>
using class_map_shape = with_extent<S, S::rank - 1, 1>;

template <class S, class C, int... I>
constexpr void check_map_axes(std::integer_sequence<int, I...>) {
  (verify(check_of<class_map_mismatch<found<extent_of<C, I>>, expected<extent_of<class_map_shape<S>, I>>, axis<I>>>), ...);
}
template <class X, class C>
constexpr void check_class_map() {
  using S = shape_t<X>;
  static_assert(S::rank >= 2, "dcs::loss: scores of classes have at least the axes sample, class");
  static_assert(std::is_same_v<value_t<X>, value_t<C>>, "dcs::loss: a class map has the element type of the scores; cast<T>(map) converts it");
  if constexpr (S::rank == shape_t<C>::rank)
    check_map_axes<S, shape_t<C>>(std::make_integer_sequence<int, S::rank>{});
  else
    verify(check_of<class_map_mismatch<found<shape_t<C>::rank>, expected<S::rank>, axis<0>>>);
}
template <class X, class W>
constexpr void check_weights() {
  if constexpr (!std::is_same_v<W, equal_weights>)
    verify(check_of<class_weights_mismatch<found<extent_of<shape_t<W>, 0>>, expected<extent_of<shape_t<X>, -1>>, axis<0>>>);
}

// The sum over all axes but the last.
template <class X, int... I>
auto sum_of_pixels(const X& x, std::integer_sequence<int, I...>) {
  return sum<I...>(x);
}
template <class X>
auto sum_of_pixels(const X& x) {
  return sum_of_pixels(x, std::make_integer_sequence<int, shape_t<X>::rank - 1>{});
}

// What a mean of no weights is divided by; it is 0 itself then.
inline constexpr double least_weight = 1e-30;

}  // namespace detail

/// 1 at the class of each pixel, else 0, and 0 for all classes where a pixel is not labelled. classes: shape<..., 1>; result shape<..., K>. Throws
/// dcs::error where a number is no class.
template <int K, class T, class S, class D>
auto one_hot(const tensor<T, S, D>& classes) {
  verify(check_of<class_map_mismatch<found<extent_of<S, -1>>, expected<1>, axis<S::rank - 1>>>);
  using Out = with_extent<S, S::rank - 1, K>;
  auto n = classes.sizes();
  n.back() = K;
  auto y = tensor<T, Out, D>::empty(n);
  if (y.size() > 0) one_hot_forward(D{}, classes.data(), classes.size(), extent_t{K}, y.data());
  return y;
}

/// −log softmax(x)[class] of each pixel, 0 where it is not labelled. x: scores, shape<..., K>; classes: shape<..., 1>; result shape<..., 1>.
template <operand X, class T, class C, class D>
auto class_cross_entropy(const X& x_, const tensor<T, C, D>& classes) {
  detail::check_class_map<X, tensor<T, C, D>>();
  using S = shape_t<X>;
  using map = detail::class_map_shape<S>;
  const auto x = eval(x_);
  dcs::detail::expect_inner("dcs::loss::class_cross_entropy", x.sizes());
  auto n = x.sizes();
  const extent_t k = n.back();
  n.back() = 1;
  const extent_t rows = count(n);
  auto y = tensor<T, map, D>::empty(n);
  if (rows > 0) class_cross_entropy_forward(D{}, value(x).data(), classes.data(), rows, k, y.data());
  return record(
      std::move(y),
      [v = value(x), classes, rows, k, gx = sink_of(x)](const tensor<T, map, D>& dy) {
        auto dx = tensor<T, S, D>::empty(v.sizes());
        if (rows > 0) class_cross_entropy_backward(D{}, v.data(), classes.data(), dy.data(), rows, k, dx.data());
        gx.add(std::move(dx));
      },
      x);
}

/// The weight of each pixel's class, shape<..., 1>; 0 where it is not labelled.
template <operand X, class T, class C, class D, class W = equal_weights>
auto class_weight_map(const tensor<T, C, D>& classes, const W& weights = {}) {
  detail::check_weights<X, W>();
  if constexpr (std::is_same_v<W, equal_weights>)
    return eval(apply<functions::labelled>(classes));
  else
    return eval(sum<-1>(one_hot<static_cast<int>(extent_of<shape_t<X>, -1>)>(classes) * weights));
}

namespace detail {
// Σ w · y / Σ w over the pixels of a map; 0 where no pixel has a weight.
template <class X, class Y, class T, class C, class D, class W>
auto weighted_mean(const char* who, const Y& y, const tensor<T, C, D>& classes, const W& weights) {
  expect(classes.size() > 0, who, ": nothing to average in sizes ", to_string(classes.sizes()));
  const auto w = class_weight_map<X>(classes, weights);
  return eval(sum_all(y * w) / maximum(sum_all(w), least_weight));
}
}  // namespace detail

/// Mean cross-entropy of a softmax over labelled pixels, Σ w ce / Σ w with w the weight of the pixel's class, as PyTorch's CrossEntropyLoss has it; 0
/// where no pixel is labelled. x: scores, shape<..., K>; classes: shape<..., 1>; weights: shape<K>, at least 0. shape<>. Throws dcs::error where
/// there is no pixel.
template <operand X, class T, class C, class D, class W = equal_weights>
auto cross_entropy(const X& x, const tensor<T, C, D>& classes, const W& weights = {}) {
  return detail::weighted_mean<X>("dcs::loss::cross_entropy", class_cross_entropy(x, classes), classes, weights);
}

/// The same mean of (1 − p)² ce, p = e^{−ce} the probability of the pixel's class (Lin et al. 2017, γ = 2; the weights are its α). shape<>.
template <operand X, class T, class C, class D, class W = equal_weights>
auto multiclass_focal(const X& x, const tensor<T, C, D>& classes, const W& weights = {}) {
  const auto ce = class_cross_entropy(x, classes);
  return detail::weighted_mean<X>("dcs::loss::multiclass_focal", eval(square(1 - exp(-ce)) * ce), classes, weights);
}

namespace detail {
// Of each class, shape<1, ..., K>, over all labelled pixels: Σ p t, Σ p + Σ t, and Σ t.
template <class P, class T, class C, class D>
auto class_overlap(const P& p_, const tensor<T, C, D>& classes) {
  check_class_map<P, tensor<T, C, D>>();
  const auto t = one_hot<static_cast<int>(extent_of<shape_t<P>, -1>)>(classes);
  const auto p = eval(apply<functions::where>(apply<functions::labelled>(classes), p_));
  const auto size = sum_of_pixels(t);
  return std::tuple(sum_of_pixels(p * t), eval(sum_of_pixels(p) + size), size);
}
}  // namespace detail

/// The mean of 1 − (2 Σ p t + s) / (Σ p + Σ t + s) over the classes that occur in the class map, weighted; sums are over all labelled pixels of the
/// batch. A class that no pixel has is left out; without any the loss is 0. p: probabilities, shape<..., K>; classes: shape<..., 1>; weights:
/// shape<K>, for example 0 for the background. shape<>.
template <operand P, class T, class C, class D, class W = equal_weights>
auto multiclass_dice(const P& p, const tensor<T, C, D>& classes, const W& weights = {}, double smoothing = 1e-6) {
  detail::check_weights<P, W>();
  const auto [both, sizes, wanted] = detail::class_overlap(p, classes);
  const auto loss = eval(1 - (2 * both + smoothing) / (sizes + smoothing));
  const auto present = apply<functions::positive>(wanted);
  if constexpr (std::is_same_v<W, equal_weights>)
    return eval(sum_all(loss * present) / maximum(sum_all(present), detail::least_weight));
  else
    return eval(sum_all(loss * present * weights) / maximum(sum_all(present * weights), detail::least_weight));
}

/// Generalised Dice (Sudre et al. 2017): 1 − 2 Σ w Σ p t / Σ w (Σ p + Σ t) over classes, w = 1 / (Σ t)², so that a small class counts as much as a
/// large one; w is 0 for a class that no pixel has, and without any the loss is 0. p: probabilities, shape<..., K>; classes: shape<..., 1>. shape<>.
template <operand P, class T, class C, class D>
auto generalised_dice(const P& p, const tensor<T, C, D>& classes) {
  const auto [both, sizes, wanted] = detail::class_overlap(p, classes);
  const auto w = eval(apply<functions::positive>(wanted) / square(maximum(wanted, 1)));
  return eval(sum_all(w * (sizes - 2 * both)) / maximum(sum_all(w * sizes), detail::least_weight));
}

}  // namespace dcs::loss

namespace dcs {

// The expressions above, for dcs::compiled (expr/common.hpp).
#define DCS_CLASSES_LOSS_EXPRESSIONS(declare, T)                                                                  \
  DCS_EXPRESSION(declare, T, apply<functions::labelled>(expr::map<T>()))                                          \
  DCS_EXPRESSION(declare, T, apply<functions::positive>(expr::map<T>()))                                          \
  DCS_EXPRESSION(declare, T, expr::map<T>() / maximum(expr::map<T>(), 1))                                         \
  DCS_EXPRESSION(declare, T, square(1 - exp(-expr::map<T>())) * expr::map<T>())                                   \
  DCS_EXPRESSION(declare, T, apply<functions::where>(apply<functions::labelled>(expr::map<T>()), expr::map<T>())) \
  DCS_EXPRESSION(declare, T, 1 - (2 * expr::map<T>() + 1) / (expr::map<T>() + 1))                                 \
  DCS_EXPRESSION(declare, T, expr::map<T>() * apply<functions::positive>(expr::map<T>()))                         \
  DCS_EXPRESSION(declare, T, expr::map<T>() * apply<functions::positive>(expr::map<T>()) * expr::map<T>())        \
  DCS_EXPRESSION(declare, T, apply<functions::positive>(expr::map<T>()) * expr::map<T>())                         \
  DCS_EXPRESSION(declare, T, apply<functions::positive>(expr::map<T>()) / square(maximum(expr::map<T>(), 1)))     \
  DCS_EXPRESSION(declare, T, expr::map<T>() * (expr::map<T>() - 2 * expr::map<T>()))
DCS_ENTRIES(DCS_CLASSES_LOSS_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
