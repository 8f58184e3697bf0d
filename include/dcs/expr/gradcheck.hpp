// Compares derivatives with central differences, in double: the gradient test of every op.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/expr/pointwise.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs {

/// A tensor of standard normal numbers.
template <class T, class S>
tensor<T, S> random_normal(const sizes<S::rank>& s, random_stream random, double scale = 1) {
  auto t = tensor<T, S>::empty(s);
  for (extent_t i = 0; i < t.size(); ++i) t.data()[i] = static_cast<T>(scale * random.normal(static_cast<std::uint64_t>(i)));
  return t;
}

namespace detail {
// Reads results by data(), so they must be in the host's memory: of cpu_device or cuda::emulated.
template <class F, class D, class... X>
double projected(const F& f, const tensor<double, shape<dyn<"n">>, D>& direction, const X&... x) {
  const auto y = eval(f(x...));
  double sum = 0;
  for (extent_t i = 0; i < y.size(); ++i) sum += y.data()[i] * direction.data()[i];
  return sum;
}
}  // namespace detail

/// Largest error of the recorded gradients of f at x..., over all elements of all inputs, relative to max(1, the largest gradient). f takes operands
/// and returns one; it is called with vars once and with tensors for the differences, of a random projection of the result. `at_most` bounds how many
/// elements of each input are probed (drawn at random).
template <class F, class D, class... S>
double gradcheck(const F& f, random_stream random, extent_t at_most, const tensor<double, S, D>&... x) {
  auto inputs = std::tuple(var<double, S, D>::leaf(x.clone())...);
  return std::apply(
      [&](const auto&... v) {
        const auto y = eval(f(v...));
        auto direction = to<D>(random_normal<double, shape<dyn<"n">>>({y.size()}, random.child(1)));
        backward(y, std::remove_cvref_t<decltype(y)>::tensor_type::adopt(direction.clone().memory(), y.sizes()));
        double largest = 1, worst = 0;
        std::uint64_t draw = 0;
        auto check = [&](const auto& input) {
          const auto gradient = input.has_grad() ? input.grad() : typename std::remove_cvref_t<decltype(input)>::tensor_type();
          const extent_t n = input.size();
          for (extent_t k = 0; k < std::min(n, at_most); ++k) {
            const extent_t i = n <= at_most ? k : static_cast<extent_t>(random.child(2).below(draw++, static_cast<std::uint32_t>(n)));
            double& element = input.value().data()[i];
            const double old = element, step = 1e-5 * std::max(1.0, std::abs(old));
            element = old + step;
            const double up = detail::projected(f, direction, v.value()...);
            element = old - step;
            const double down = detail::projected(f, direction, v.value()...);
            element = old;
            const double recorded = gradient.defined() ? gradient.data()[i] : 0;
            largest = std::max(largest, std::abs(recorded));
            worst = std::max(worst, std::abs(recorded - (up - down) / (2 * step)));
            if (!is_finite(recorded)) worst = HUGE_VAL;
          }
        };
        (check(v), ...);
        return worst / largest;
      },
      inputs);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
