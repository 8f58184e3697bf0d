#include <dcs/expr/pointwise.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace dcs;

TEST_CASE_TEMPLATE("exp is within 2 units in the last place on every instruction set, and right at the ends of the range", T, float, double) {
  const bool single = sizeof(T) == 4;
  constexpr T infinity = std::numeric_limits<T>::infinity(), epsilon = std::numeric_limits<T>::epsilon();
  std::vector<T> x;
  const double low = single ? -87.3 : -708.3, high = single ? 88.7 : 709.7;
  constexpr int count = 1 << 18;
  for (int i = 0; i < count; ++i) x.push_back(static_cast<T>(low + (high - low) * i / (count - 1)));
  for (int i = 0; i < count; ++i) x.push_back(static_cast<T>(-1 + 2.0 * i / (count - 1)));
  const std::size_t ordinary = x.size();
  x.insert(x.end(), {T(0), -infinity, infinity, std::numeric_limits<T>::quiet_NaN(), T(1e30), T(-1e30), static_cast<T>(single ? 88.8 : 709.8),
                     static_cast<T>(single ? -105 : -746)});
  x.resize((x.size() + 15) / 16 * 16, T(0));
  const auto all = tensor<T, shape<dyn<"n">>>::from(x, {static_cast<extent_t>(x.size())});
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    CAPTURE(cpu::name(isa));
    const auto result = eval(exp(all));
    const T* y = result.data();
    long double worst = 0;
    for (std::size_t i = 0; i < ordinary; ++i) {
      const long double wanted = std::exp(static_cast<long double>(x[i]));
      worst = std::max(worst, std::abs(static_cast<long double>(y[i]) - wanted) / (wanted * static_cast<long double>(epsilon)));
    }
    CHECK(worst <= 2);
    CHECK(worst > 0);
    const T* end = y + ordinary;
    CHECK(end[0] == 1);
    CHECK(end[1] == 0);
    CHECK(end[2] == infinity);
    CHECK(std::isnan(end[3]));
    CHECK(end[4] == infinity);
    CHECK(end[5] == 0);
    CHECK(end[6] == infinity);
    CHECK(end[7] == 0);
  }
}
