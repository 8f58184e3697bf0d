// What of a parameter needs no memory: how its values begin, and how PyTorch's state dict lays them out.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/core/shape.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs {

/// Initial values of a parameter: a function of the element's index and a random stream.
namespace init {
struct zeros {
  static double value(random_stream, std::uint64_t) { return 0; }
};
struct ones {
  static double value(random_stream, std::uint64_t) { return 1; }
};
/// 1/4: the slope that PReLU begins with.
struct quarter {
  static double value(random_stream, std::uint64_t) { return 0.25; }
};
/// Normal with variance gain² / Fan (He et al. 2015, eq. 10, with gain² = Twice / 2).
template <int Fan, int Twice = 4>
struct he_normal {
  static double value(random_stream r, std::uint64_t i) { return std::sqrt(Twice * 0.5 / Fan) * r.normal(i); }
};
/// Uniform in ±1/√Fan: what PyTorch gives the weights and biases of linear and convolution layers.
template <int Fan>
struct uniform_fan_in {
  static double value(random_stream r, std::uint64_t i) { return (2.0 * r.uniform(i) - 1) / std::sqrt(double{Fan}); }
};
/// Uniform in ±√(3 / Fan): variance 1 / Fan (He et al. 2015, for a linear layer).
template <int Fan>
struct he_uniform_linear {
  static double value(random_stream r, std::uint64_t i) { return (2.0 * r.uniform(i) - 1) * std::sqrt(3.0 / Fan); }
};
/// Normal with deviation Thousandths / 1000.
template <int Thousandths>
struct normal {
  static double value(random_stream r, std::uint64_t i) { return r.normal(i) * Thousandths / 1000; }
};
/// Uniform in ±√(6 / (In + Out)) (Glorot & Bengio 2010).
template <int In, int Out>
struct xavier_uniform {
  static double value(random_stream r, std::uint64_t i) { return (2.0 * r.uniform(i) - 1) * std::sqrt(6.0 / (In + Out)); }
};
/// Normal with deviation Thousandths / 1000, cut at two deviations by drawing again.
template <int Thousandths>
struct trunc_normal {
  static double value(random_stream r, std::uint64_t i) {
    for (std::uint64_t attempt = 0;; ++attempt)
      if (const double n = r.normal(i + (attempt << 40)); n > -2 && n < 2) return n * Thousandths / 1000;
  }
};
}  // namespace init

namespace detail {

// A parameter's memory as an array of `rank` axes; permuting them gives the array of PyTorch's state dict.
struct parameter_layout {
  int rank = 0;
  static constexpr int most = 5;
  extent_t extents[most] = {};
  int order[most] = {};
  int stored_rank = 0;
  extent_t stored[most] = {};
};

}  // namespace detail

/// The order of a parameter's elements in PyTorch's state dict.
namespace layout {
struct plain {
  template <class S>
  static constexpr detail::parameter_layout of() {
    static_assert(S::rank <= detail::parameter_layout::most, "dcs::layout::plain: a parameter has at most five axes");
    detail::parameter_layout l{S::rank, {}, {}, S::rank, {}};
    for (int i = 0; i < S::rank; ++i) l.extents[i] = l.stored[i] = S::extents[static_cast<std::size_t>(i)], l.order[i] = i;
    return l;
  }
};
/// [kernel][in][out], [height][width][in][out] or [height][width][depth][in][out] in memory; [out][in][kernel], [out][in][height][width] or
/// [out][in][depth][height][width] in PyTorch. For a transposed convolution `out` are the input's channels: here and in PyTorch its weights are those
/// of the convolution in the opposite direction.
struct convolution {
  template <class S>
  static constexpr detail::parameter_layout of() {
    static_assert(S::rank >= 3 && S::rank <= 5, "dcs::layout::convolution: a weight has one to three axes of taps, and two of channels");
    constexpr auto e = S::extents;
    if constexpr (S::rank == 3)
      return {3, {e[0], e[1], e[2]}, {2, 1, 0}, 3, {e[2], e[1], e[0]}};
    else if constexpr (S::rank == 4)
      return {4, {e[0], e[1], e[2], e[3]}, {3, 2, 0, 1}, 4, {e[3], e[2], e[0], e[1]}};
    else
      return {5, {e[0], e[1], e[2], e[3], e[4]}, {4, 3, 2, 0, 1}, 5, {e[4], e[3], e[2], e[0], e[1]}};
  }
};
/// [in][out] in memory, [out][in] in PyTorch.
struct linear {
  template <class S>
  static constexpr detail::parameter_layout of() {
    constexpr auto e = S::extents;
    return {2, {e[0], e[1]}, {1, 0}, 2, {e[1], e[0]}};
  }
};
/// A linear layer over a flattened feature map of Side × Side × Channels: channels last in memory, first in PyTorch.
template <int Side, int Channels>
struct linear_of_map {
  template <class S>
  static constexpr detail::parameter_layout of() {
    constexpr auto e = S::extents;
    static_assert(e[0] == extent_t{Side} * Side * Channels, "dcs::layout::linear_of_map: the layer's inputs must be Side · Side · Channels");
    return {4, {Side, Side, Channels, e[1]}, {3, 2, 0, 1}, 2, {e[1], e[0]}};
  }
};
}  // namespace layout

/// The properties of a parameter that do not need memory.
struct parameter_description {
  extent_t count = 0;
  bool is_buffer = false;  // part of the state dict, but not learned: running statistics
  detail::parameter_layout stored;
  double (*initial)(random_stream, std::uint64_t) = nullptr;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
