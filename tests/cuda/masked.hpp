// What tests of masked regions share: masks with padded regions in every position, the regions that are valid alone, and values that padded ones may
// hold.
#pragma once

#include "compare.hpp"

#include <limits>

namespace masked_test {

using dcs::extent_t;
using mask_values = std::vector<double>;

/// All valid, first, last and one between padded, one valid, none.
inline std::vector<mask_values> masks() { return {{1, 1, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 0}, {1, 0, 0, 1}, {0, 0, 1, 0}, {0, 0, 0, 0}}; }

inline extent_t valid(const mask_values& mask) {
  extent_t n = 0;
  for (double m : mask) n += m != 0;
  return n;
}
template <class D, class B = double>
auto mask_on(const mask_values& mask) {
  auto t = dcs::tensor<B, dcs::shape<dcs::dyn<"roi">>>::empty({static_cast<extent_t>(mask.size())});
  for (std::size_t i = 0; i < mask.size(); ++i) t.data()[i] = static_cast<B>(mask[i]);
  return dcs::to<D>(t);
}
/// The regions of x that are valid.
template <class T, class S>
dcs::tensor<T, S> valid(const dcs::tensor<T, S>& x, const mask_values& mask) {
  auto n = x.sizes();
  const extent_t of_region = x.size() / n[0];
  n[0] = valid(mask);
  auto y = dcs::tensor<T, S>::empty(n);
  extent_t to = 0;
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i] != 0) std::copy_n(x.data() + static_cast<extent_t>(i) * of_region, of_region, y.data() + of_region * to++);
  return y;
}
/// x with `value` in the regions that are padded.
template <class T, class S>
dcs::tensor<T, S> with_padded(const dcs::tensor<T, S>& x, const mask_values& mask, double value) {
  auto y = x.clone();
  const extent_t of_region = x.size() / x.sizes()[0];
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i] == 0) std::fill_n(y.data() + static_cast<extent_t>(i) * of_region, of_region, static_cast<T>(value));
  return y;
}
/// Largest distance from 0 in the regions that are padded; infinite where one is no number.
template <class T, class S>
double in_dead(const dcs::tensor<T, S>& x, const mask_values& mask) {
  double most = 0;
  const extent_t of_region = x.size() / x.sizes()[0];
  for (extent_t i = 0; i < x.size(); ++i)
    if (mask[static_cast<std::size_t>(i / of_region)] == 0) {
      const double v = std::abs(static_cast<double>(x.data()[i]));
      most = std::isfinite(v) ? std::max(most, v) : HUGE_VAL;
    }
  return most;
}

}  // namespace masked_test
