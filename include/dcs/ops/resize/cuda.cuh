// Resizing as kernels of the block interface: a thread has a packet of channels of a pixel. The position of output o in the input, along an axis, is
// a fraction of integers, max(0, o · step + offset) / denominator, so that taps are exact, and the outputs to which an input pixel contributes are an
// interval that can be computed. Forward is one pass over both axes. The gradient is computed one axis after the other: for an enlargement by s that
// takes 2s reads per pixel and axis, where both axes at once would take 4s².
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/column_tiles.hpp>
#include <dcs/cuda/device.hpp>
#include <dcs/ops/resize/geometry.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {

/// The taps of one axis.
struct resize_axis {
  resize_axis(std::int64_t in, std::int64_t out, resampling how) : inputs(in), outputs(out), nearest(how == resampling::nearest) {
    std::int64_t by = in, of = out;
    if (how == resampling::aligned) by = out > 1 ? in - 1 : 0, of = out > 1 ? out - 1 : 1;
    if (how == resampling::half_pixel) by = 2 * in, of = 2 * out, offset = in - out;
    step = by, denominator = divider(of);
    if (by > 0) per_step = divider(by);
  }

  std::int64_t inputs, outputs, step = 0, offset = 0;
  divider denominator, per_step;
  bool nearest;

  /// Output o is (1 − share) · input[low] + share · input[low + 1]; share is 0 where there is no input low + 1.
  template <class A>
  DCS_DEVICE std::int64_t tap(std::int64_t o, A& share) const {
    std::int64_t low = o * step + offset;
    if (low < 0) low = 0;
    const std::int64_t rest = denominator.split(low);
    share = nearest || low + 1 >= inputs ? A(0) : static_cast<A>(rest) / static_cast<A>(denominator.divisor());
    return low < inputs ? low : inputs - 1;
  }
  /// The outputs [begin, end) to which input i may contribute: those whose positions are between i − 1 and i + 1.
  DCS_DEVICE void outputs_of(std::int64_t i, std::int64_t& begin, std::int64_t& end) const {
    begin = 0, end = outputs;
    if (step == 0) return;
    const std::int64_t low = (nearest ? i : i - 1) * denominator.divisor() - offset, high = (i + 1) * denominator.divisor() - offset;
    if (i > 0 && low > 0) begin = per_step.quotient(low);
    if (i + 1 < inputs) {
      const std::int64_t last = high > 0 ? per_step.quotient(high + step - 1) : 0;
      end = last < outputs ? last : outputs;
    }
  }
};

}  // namespace detail

/// y is x, batch × in_h × in_w × channels, resized along both axes.
template <class T, int V>
struct resize_forward_kernel {
  static constexpr const char* name = "resize_forward";
  static constexpr int threads = 256;
  device_span<const T> x;
  device_span<T> y;
  detail::resize_axis down, across;
  divider packets, columns, rows;

  std::int64_t blocks() const { return ceil_div(y.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<T>;
    std::int64_t rest = b.index();
    const std::int64_t at = rest * V;
    if (at >= y.size) return;
    const std::int64_t channel = packets.split(rest) * V, column = columns.split(rest), row = rows.split(rest), width = packets.divisor() * V;
    A right, lower;
    const std::int64_t left = across.tap(column, right), top = down.tap(row, lower);
    const auto in = b.global(x, "x");
    // All four taps are read at once; a tap of weight 0 reads a pixel that another tap reads.
    const A weight[4] = {(1 - lower) * (1 - right), (1 - lower) * right, lower * (1 - right), lower * right};
    packet<A, V> v[4], sum;
    DCS_DEVICE_UNROLL
    for (int j = 0; j < 4; ++j) {
      const std::int64_t h = top + (j / 2 != 0 && lower > 0), w = left + (j % 2 != 0 && right > 0);
      v[j] = in.template read<V>(((rest * down.inputs + h) * across.inputs + w) * width + channel);
    }
    DCS_DEVICE_UNROLL
    for (int j = 0; j < 4; ++j) {
      DCS_DEVICE_UNROLL
      for (int k = 0; k < V; ++k) sum[k] += (j / 2 == 0 || lower > 0) && (j % 2 == 0 || right > 0) ? weight[j] * v[j][k] : A(0);
    }
    b.global(y, "y").write(at, sum);
  }
};

/// The gradient along the middle axis of [outer, axis, inner]: dx[i] = Σ weight of input i in output o · dy[o].
template <class From, class To, int V>
struct resize_backward_kernel {
  static constexpr const char* name = "resize_backward";
  static constexpr int threads = 256, at_once = 4;  // outputs that are read before they are summed
  device_span<const From> dy;
  device_span<To> dx;
  detail::resize_axis taps;
  divider packets, inputs;

  std::int64_t blocks() const { return ceil_div(dx.size / V, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using A = arithmetic_t<From>;
    std::int64_t rest = b.index();
    const std::int64_t at = rest * V;
    if (at >= dx.size) return;
    const std::int64_t column = packets.split(rest) * V, i = inputs.split(rest), inner = packets.divisor() * V;
    const auto in = b.global(dy, "dy");
    std::int64_t begin, end;
    taps.outputs_of(i, begin, end);
    packet<A, V> sum;
    for (std::int64_t o = begin; o < end; o += at_once) {
      A weight[at_once];
      packet<A, V> v[at_once];
      DCS_DEVICE_UNROLL
      for (int j = 0; j < at_once; ++j) {
        A share;
        const std::int64_t low = taps.tap(o + j, share);
        weight[j] = o + j >= end ? A(0) : low == i ? 1 - share : low + 1 == i ? share : A(0);
      }
      DCS_DEVICE_UNROLL
      for (int j = 0; j < at_once; ++j) v[j] = read_values<V>(in, (rest * taps.outputs + (o + j < end ? o + j : o)) * inner + column);
      DCS_DEVICE_UNROLL
      for (int j = 0; j < at_once; ++j) {
        DCS_DEVICE_UNROLL
        for (int k = 0; k < V; ++k) sum[k] += weight[j] != 0 ? weight[j] * v[j][k] : A(0);
      }
    }
    write_values<V>(b.global(dx, "dx"), at, sum);
  }
};

template <class T, gpu D>
void resize_forward(D, const resize_geometry& g, const T* x, T* y) {
  with_packets<T>(g.channels, [&](auto v) {
    launch(D{}, resize_forward_kernel<T, v>{{x, g.batch * g.in_h * g.in_w * g.channels},
                                            {y, g.batch * g.out_h * g.out_w * g.channels},
                                            {g.in_h, g.out_h, g.how},
                                            {g.in_w, g.out_w, g.how},
                                            divider(g.channels / v),
                                            divider(g.out_w),
                                            divider(g.out_h)});
  });
}

/// Along the columns first, so that the intermediate result, which is kept in full precision, is small.
template <class T, gpu D>
void resize_backward(D, const resize_geometry& g, const T* dy, T* dx) {
  using A = arithmetic_t<T>;
  with_packets<T>(g.channels, [&](auto v) {
    const std::int64_t rows = g.batch * g.out_h, between = rows * g.in_w * g.channels;
    const device_scratch<A, D> columns(between);
    launch(D{}, resize_backward_kernel<T, A, v>{
                    {dy, rows * g.out_w * g.channels}, columns.span(), {g.in_w, g.out_w, g.how}, divider(g.channels / v), divider(g.in_w)});
    launch(D{}, resize_backward_kernel<A, T, v>{{columns.data(), between},
                                                {dx, g.batch * g.in_h * g.in_w * g.channels},
                                                {g.in_h, g.out_h, g.how},
                                                divider(g.in_w * g.channels / v),
                                                divider(g.in_h)});
  });
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
