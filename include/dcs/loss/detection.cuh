// Cross-entropy as kernels of the block interface. A group of lanes has a row, with as many lanes as the row has classes, up to a warp; the backward
// pass recomputes the softmax, which is cheaper than reading it from memory. The forward pass is one block, which suffices for a detector's samples
// of some hundred rows per image.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/loss/detection.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

// The largest score of a row, and Σ exp(score − largest), where a row has `group` lanes; every lane of the warp takes part.
template <class A>
struct softmax_row {
  A top, total;
};
template <class A, class Block, class Scores>
DCS_DEVICE inline softmax_row<A> softmax_of_row(Block& b, const Scores& x, std::int64_t row, std::int64_t classes, int group) {
  const int lane = b.thread() % group;
  A top = x.read(row * classes), total = 0;
  for (std::int64_t c = lane; c < classes; c += group) {
    const A v = x.read(row * classes + c);
    top = v > top ? v : top;
  }
  for (int m = group / 2; m > 0; m /= 2) {
    const A other = b.shuffle_xor(top, m);
    top = other > top ? other : top;
  }
  for (std::int64_t c = lane; c < classes; c += group) total += lane::exp(x.read(row * classes + c) - top);
  for (int m = group / 2; m > 0; m /= 2) total += b.shuffle_xor(total, m);
  return {top, total};
}

inline int class_lanes(std::int64_t classes) {
  int lanes = 1;
  while (lanes < warp_size && lanes < classes) lanes *= 2;
  return lanes;
}

}  // namespace detail

/// Mean of −log softmax(x)[label]; the rows' terms are added in double, in a fixed order.
template <class T>
struct cross_entropy_forward_kernel {
  static constexpr const char* name = "cross_entropy_forward";
  static constexpr int threads = 1024;
  device_span<const T> x;
  device_span<const std::int32_t> labels;
  device_span<T> loss;
  std::int64_t rows, classes;
  int group = detail::class_lanes(classes);

  std::int64_t blocks() const { return 1; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    auto warps = b.template shared<double>(threads / warp_size, "sums of warps");
    const auto scores = b.global(x, "scores");
    double sum = 0;
    for (std::int64_t begin = 0; begin < rows; begin += threads / group) {
      const std::int64_t at = begin + b.thread() / group, row = at < rows ? at : rows - 1;
      const auto s = detail::softmax_of_row<A>(b, scores, row, classes, group);
      if (at < rows && b.thread() % group == 0)
        sum += static_cast<double>(lane::log(s.total) + s.top - scores.read(row * classes + b.global(labels, "labels").read(row)));
    }
    sum = block_sum(b, warps, sum);
    if (b.thread() == 0) b.global(loss, "loss").write(0, static_cast<A>(sum / static_cast<double>(rows)));
  }
};

/// dx = (softmax(x) − 1 at the label) · dy / rows.
template <class T>
struct cross_entropy_backward_kernel {
  static constexpr const char* name = "cross_entropy_backward";
  static constexpr int threads = 256;
  device_span<const T> x;
  device_span<const std::int32_t> labels;
  device_span<const T> dy;
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
    const A g = b.global(dy, "dy").read(0) / static_cast<A>(rows);
    const std::int64_t label = b.global(labels, "labels").read(row);
    const auto out = b.global(dx, "dx");
    for (std::int64_t c = b.thread() % group; c < classes; c += group)
      out.write(row * classes + c, (lane::exp(scores.read(row * classes + c) - s.top) / s.total - (c == label ? A(1) : A(0))) * g);
  }
};

template <class T, gpu D>
void cross_entropy_forward(D, const T* x, const std::int32_t* labels, std::int64_t n, std::int64_t k, T* loss) {
  launch(D{}, cross_entropy_forward_kernel<T>{{x, n * k}, {labels, n}, {loss, 1}, n, k});
}
template <class T, gpu D>
void cross_entropy_backward(D, const T* x, const std::int32_t* labels, const T* dy, std::int64_t n, std::int64_t k, T* dx) {
  launch(D{}, cross_entropy_backward_kernel<T>{{x, n * k}, {labels, n}, {dy, 1}, {dx, n * k}, n, k});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
