// The kernels of losses over classes. A group of lanes has a pixel, with as many lanes as there are classes, up to a warp (loss/detection.cuh);
// one_hot has a thread for each element. A number of the class map that is no class gives NaN.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/loss/classes.hpp>
#include <dcs/loss/detection.cuh>

#include <limits>

DCS_EXACT_MATH
namespace dcs::cuda {

/// −log softmax(x)[class] of each row, 0 where it is not labelled.
template <class T>
struct class_cross_entropy_forward_kernel {
  static constexpr const char* name = "class_cross_entropy_forward";
  static constexpr int threads = 256;
  device_span<const T> x, map;
  device_span<T> loss;
  std::int64_t rows, classes;
  int group = detail::class_lanes(classes);

  std::int64_t blocks() const { return ceil_div(rows, std::int64_t{threads / group}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index() / group, row = at < rows ? at : rows - 1;
    const auto scores = b.global(x, "scores");
    const auto s = detail::softmax_of_row<A>(b, scores, row, classes, group);
    if (at >= rows || b.thread() % group != 0) return;
    const std::int64_t c = loss::detail::class_of<A>(b.global(map, "class map").read(row), classes);
    A value = 0;
    if (c >= 0) value = lane::log(s.total) + (s.top - scores.read(row * classes + c));
    if (c == loss::detail::no_class) value = std::numeric_limits<A>::quiet_NaN();
    b.global(this->loss, "loss").write(row, value);
  }
};

/// dx = (softmax(x) − 1 at the class) · dy of its row.
template <class T>
struct class_cross_entropy_backward_kernel {
  static constexpr const char* name = "class_cross_entropy_backward";
  static constexpr int threads = 256;
  device_span<const T> x, map, dy;
  device_span<T> dx;
  std::int64_t rows, classes;
  int group = detail::class_lanes(classes);

  std::int64_t blocks() const { return ceil_div(rows, std::int64_t{threads / group}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t at = b.index() / group, row = at < rows ? at : rows - 1;
    const auto scores = b.global(x, "scores");
    const auto s = detail::softmax_of_row<A>(b, scores, row, classes, group);
    if (at >= rows) return;
    const std::int64_t label = loss::detail::class_of<A>(b.global(map, "class map").read(row), classes);
    const A g = b.global(dy, "dy").read(row);
    const auto out = b.global(dx, "dx");
    for (std::int64_t c = b.thread() % group; c < classes; c += group) {
      A d = (lane::exp(scores.read(row * classes + c) - s.top) / s.total - (c == label ? A(1) : A(0))) * g;
      if (label == loss::detail::not_labelled) d = 0;
      if (label == loss::detail::no_class) d = std::numeric_limits<A>::quiet_NaN();
      out.write(row * classes + c, d);
    }
  }
};

/// 1 at the class of each row, else 0.
template <class T>
struct one_hot_kernel {
  static constexpr const char* name = "one_hot";
  static constexpr int threads = 256;
  device_span<const T> map;
  device_span<T> y;
  std::int64_t rows, classes;

  std::int64_t blocks() const { return ceil_div(rows * classes, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    const std::int64_t i = b.index();
    if (i >= rows * classes) return;
    const std::int64_t c = loss::detail::class_of<A>(b.global(map, "class map").read(i / classes), classes);
    const A value = c == loss::detail::no_class ? std::numeric_limits<A>::quiet_NaN() : c == i % classes ? A(1) : A(0);
    b.global(y, "y").write(i, value);
  }
};

template <class T, gpu D>
void class_cross_entropy_forward(D, const T* x, const T* classes, std::int64_t n, std::int64_t k, T* loss) {
  launch(D{}, class_cross_entropy_forward_kernel<T>{{x, n * k}, {classes, n}, {loss, n}, n, k});
}
template <class T, gpu D>
void class_cross_entropy_backward(D, const T* x, const T* classes, const T* dy, std::int64_t n, std::int64_t k, T* dx) {
  launch(D{}, class_cross_entropy_backward_kernel<T>{{x, n * k}, {classes, n}, {dy, n}, {dx, n * k}, n, k});
}
template <class T, gpu D>
void one_hot_forward(D, const T* classes, std::int64_t n, std::int64_t k, T* y) {
  launch(D{}, one_hot_kernel<T>{{classes, n}, {y, n * k}, n, k});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
