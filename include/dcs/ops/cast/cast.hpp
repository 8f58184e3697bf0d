// cast<To>(x): the values in another element type. Where maps are of 16 bits, softmax, losses and boxes are computed in float: a cast lies between,
// and its gradient has the type of its input.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/pointwise.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace cpu {
template <class From, class To>
void convert(device, const From* x, std::int64_t n, To* y) {
  parallel_chunks(n, 1 << 15, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = convert_number<To>(x[i]);
  });
}
// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CAST_ENTRIES(declare)                                    \
  declare void convert(device, const float*, std::int64_t, double*); \
  declare void convert(device, const double*, std::int64_t, float*); \
  declare void convert(device, const float*, std::int64_t, bf16*);   \
  declare void convert(device, const bf16*, std::int64_t, float*);   \
  declare void convert(device, const double*, std::int64_t, bf16*);  \
  declare void convert(device, const bf16*, std::int64_t, double*);
DCS_ENTRIES_ONCE(DCS_CAST_ENTRIES)

}  // namespace cpu

namespace detail {
template <class To, class T, class S, class D>
tensor<To, S, D> converted(const tensor<T, S, D>& x) {
  auto y = tensor<To, S, D>::empty(x.sizes());
  convert(D{}, static_cast<const T*>(x.data()), x.size(), y.data());
  return y;
}
}  // namespace detail

/// x with elements of type To, each by convert_number: to floats by rounding to nearest; to whole numbers by dropping the fraction and clamping to
/// To's range, where NaN becomes 0. x itself where its elements are of To.
/// PyTorch: torch.Tensor.to(dtype)
template <class To, operand X>
auto cast(const X& x_) {
  using T = value_t<X>;
  using S = shape_t<X>;
  using D = device_t<X>;
  const auto x = eval(x_);
  if constexpr (std::is_same_v<To, T>) {
    return x;
  } else {
    detail::expect_inner("dcs::cast", x.sizes());
    auto y = detail::converted<typename detail::dtype_traits<To>::self>(value(x));
    return record(
        std::move(y), [gx = sink_of(x)](const tensor<To, S, D>& dy) { gx.add(detail::converted<T>(dy)); }, x);
  }
}

/// x in the type that its arithmetic is done in: float for types of 16 bits, else x itself.
/// Runs: as cast
template <operand X>
auto widened(const X& x) {
  return cast<compute_type<value_t<X>>>(x);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
