// The losses of a detector over sampled boxes.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cpu/half.hpp>
#include <dcs/loss/functions.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs::cpu {

/// Mean of −log softmax(x)[label] over n >= 1 rows of k. Labels are 0 … k − 1.
template <class T>
void cross_entropy_forward(device, const T* x, const std::int32_t* labels, std::int64_t n, std::int64_t k, T* loss) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = x + i * k;
    const T top = *std::max_element(row, row + k);
    T total = 0;
    for (std::int64_t c = 0; c < k; ++c) total += std::exp(row[c] - top);
    sum += static_cast<double>(std::log(total) + top - row[labels[i]]);
  }
  *loss = static_cast<T>(sum / static_cast<double>(n));
}
/// dx = (softmax(x) − 1 at the label) · dy / n.
template <class T>
void cross_entropy_backward(device, const T* x, const std::int32_t* labels, const T* dy, std::int64_t n, std::int64_t k, T* dx) {
  const T g = *dy / static_cast<T>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    const T* row = x + i * k;
    T* d = dx + i * k;
    const T top = *std::max_element(row, row + k);
    T total = 0;
    for (std::int64_t c = 0; c < k; ++c) total += d[c] = std::exp(row[c] - top);
    for (std::int64_t c = 0; c < k; ++c) d[c] = (d[c] / total - T(c == labels[i])) * g;
  }
}

// Maps in 16 bits, by the kernels of float (cpu/half.hpp).
template <half_number T>
void cross_entropy_forward(device, const T* x, const std::int32_t* labels, std::int64_t n, std::int64_t k, T* loss) {
  in_float([=](const float* xf, float* lossf) { cross_entropy_forward<float>(device{}, xf, labels, n, k, lossf); }, reads<T>{x, n * k},
           writes<T>{loss, 1});
}
template <half_number T>
void cross_entropy_backward(device, const T* x, const std::int32_t* labels, const T* dy, std::int64_t n, std::int64_t k, T* dx) {
  in_float([=](const float* xf, const float* dyf, float* dxf) { cross_entropy_backward<float>(device{}, xf, labels, dyf, n, k, dxf); },
           reads<T>{x, n * k}, reads<T>{dy, 1}, writes<T>{dx, n * k});
}

// The entry points that dcs::compiled contains (core/compiled.hpp).
#define DCS_CROSS_ENTROPY_ENTRIES(declare, T)                                                                \
  declare void cross_entropy_forward(device, const T*, const std::int32_t*, std::int64_t, std::int64_t, T*); \
  declare void cross_entropy_backward(device, const T*, const std::int32_t*, const T*, std::int64_t, std::int64_t, T*);
DCS_MAP_ENTRIES(DCS_CROSS_ENTROPY_ENTRIES)

}  // namespace dcs::cpu

namespace dcs::loss {

template <class Found, class Expected, class Axis>
struct cross_entropy_rank_mismatch {
  static_assert(same_extent<Found, Expected>, "dcs::loss::cross_entropy: scores have the axes sample, class; number of axes");
};

/// Σ smooth L1 (β = 1/9) of x − target. shape<>.
/// PyTorch: torch.nn.functional.smooth_l1_loss(beta=1/9, reduction="sum")
template <operand X, operand Target>
auto smooth_l1_sum(const X& x, const Target& target) {
  check_target<X, Target>();
  if constexpr (!target_fits<X, Target>)
    return no_loss<X, Target>();
  else
    return sum_all(apply<functions::smooth_l1<9>>(x - target));
}

/// Mean of −log softmax(x)[label] over rows. x: shape<N, K>, N >= 1; labels: N of 0..K−1. shape<>.
/// PyTorch: torch.nn.functional.cross_entropy
template <operand X>
auto cross_entropy(const X& x_, const std::vector<int>& labels) {
  using S = shape_t<X>;
  using T = value_t<X>;
  using D = device_t<X>;
  verify(check_of<cross_entropy_rank_mismatch<found<S::rank>, expected<2>, axis<0>>>);
  const auto x = eval(x_);
  const extent_t n = x.sizes()[0], k = x.sizes()[1];
  expect(n >= 1 && static_cast<extent_t>(labels.size()) == n, "dcs::loss::cross_entropy: ", labels.size(), " labels for ", n,
         " rows; expected one each, at least one");
  expect(k >= 1, "dcs::loss::cross_entropy: scores of sizes ", to_string(x.sizes()), " have no classes");
  for (int label : labels) expect(label >= 0 && label < k, "dcs::loss::cross_entropy: label ", label, "; expected 0 to ", k - 1);
  const storage held = dcs::detail::allocate_elements<int, D>("dcs::loss::cross_entropy", {n});
  D::copy_from_host(held.data(), labels.data(), held.bytes());
  auto y = tensor<T, shape<>, D>::empty({});
  cross_entropy_forward(D{}, value(x).data(), static_cast<const std::int32_t*>(held.data()), n, k, y.data());
  return record(
      std::move(y),
      [v = value(x), held, n, k, gx = sink_of(x)](const tensor<T, shape<>, D>& dy) {
        auto dx = tensor<T, S, D>::empty(v.sizes());
        cross_entropy_backward(D{}, v.data(), static_cast<const std::int32_t*>(held.data()), dy.data(), n, k, dx.data());
        gx.add(std::move(dx));
      },
      x);
}

}  // namespace dcs::loss

namespace dcs {

#define DCS_DETECTION_LOSS_EXPRESSIONS(declare, T) DCS_EXPRESSION(declare, T, apply<functions::smooth_l1<9>>(expr::map<T>() - expr::map<T>()))
DCS_ENTRIES(DCS_DETECTION_LOSS_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
