// Finite, infinite, not a number: at the edges of each, of either sign, in constants too.
#include <dcs/core/finite.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>

using namespace dcs;

TEST_CASE_TEMPLATE("numbers at the edges", T, float, double) {
  using limits = std::numeric_limits<T>;
  for (const T sign : {T(1), T(-1)}) {
    for (const T x : {T(0), limits::denorm_min(), limits::min(), T(1), limits::max()}) {
      CHECK(is_finite(sign * x));
      CHECK(!is_nan(sign * x));
    }
    CHECK(!is_finite(sign * limits::infinity()));
    CHECK(!is_nan(sign * limits::infinity()));
    for (const T x : {limits::quiet_NaN(), limits::signaling_NaN()}) {
      CHECK(!is_finite(sign * x));
      CHECK(is_nan(sign * x));
    }
  }
  static_assert(is_finite(T(1)) && is_nan(limits::quiet_NaN()) && !is_finite(limits::infinity()));
}
