// The losses of a detector over sampled boxes.
#pragma once

#include <dcs/loss/functions.hpp>
#include <dcs/ops/reduce/reduce.hpp>

namespace dcs::loss {

/// Σ smooth L1 (β = 1/9) of x − target. shape<>.
template <operand X, operand Target>
auto smooth_l1_sum(const X& x, const Target& target) {
  return sum_all(apply<functions::smooth_l1<9>>(x - target));
}

/// Mean of −log softmax(x)[label] over rows. x: shape<N, K>, N >= 1; labels: N of 0..K−1. shape<>.
template <operand X>
auto cross_entropy(const X& x_, std::vector<int> labels) {
  using S = shape_t<X>;
  using T = value_t<X>;
  static_assert(S::rank == 2, "dcs::loss::cross_entropy: scores have the axes sample, class");
  const auto x = eval(x_);
  const extent_t n = x.sizes()[0], k = x.sizes()[1];
  expect(n >= 1 && static_cast<extent_t>(labels.size()) == n, "dcs::loss::cross_entropy: ", labels.size(), " labels for ", n, " rows; expected one each, at least one");
  auto p = tensor<T, S>::empty(x.sizes());
  double sum = 0;
  for (extent_t i = 0; i < n; ++i) {
    const int label = labels[static_cast<std::size_t>(i)];
    expect(label >= 0 && label < k, "dcs::loss::cross_entropy: label ", label, "; expected 0 to ", k - 1);
    const T* row = value(x).data() + i * k;
    const T top = *std::max_element(row, row + k);
    T total = 0;
    for (extent_t c = 0; c < k; ++c) total += p.data()[i * k + c] = std::exp(row[c] - top);
    for (extent_t c = 0; c < k; ++c) p.data()[i * k + c] /= total;
    sum += static_cast<double>(std::log(total) + top - row[label]);
  }
  return record(
      tensor<T, shape<>>::full({}, static_cast<T>(sum / static_cast<double>(n))),
      [p, n, k, labels = std::move(labels), gx = sink_of(x)](const tensor<T, shape<>>& dy) {
        auto dx = tensor<T, S>::empty(p.sizes());
        const T g = dy.item() / static_cast<T>(n);
        for (extent_t i = 0; i < n; ++i)
          for (extent_t c = 0; c < k; ++c) dx.data()[i * k + c] = (p.data()[i * k + c] - T(c == labels[static_cast<std::size_t>(i)])) * g;
        gx.add(std::move(dx));
      },
      x);
}

}  // namespace dcs::loss
