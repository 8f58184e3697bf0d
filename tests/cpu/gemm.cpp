// The packed matrix product against its definition, on every instruction set.
#include <dcs/core/philox.hpp>
#include <dcs/cpu/gemm.hpp>

#include "../every_isa.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace dcs;

namespace {

template <class T>
std::vector<T> values(std::int64_t n, random_stream r) {
  std::vector<T> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>(r.normal(i));
  return v;
}

struct problem {
  std::int64_t m, n, k;
  bool turned_a, turned_b, accumulate, scale, shift, residual, relu;
  std::int64_t slack;  // elements between the end of a row and the next
};

template <class T>
void check(const problem& p, std::uint64_t seed) {
  CAPTURE(p.m);
  CAPTURE(p.n);
  CAPTURE(p.k);
  CAPTURE(p.turned_a);
  CAPTURE(p.turned_b);
  CAPTURE(p.accumulate);
  CAPTURE(p.scale);
  CAPTURE(p.shift);
  CAPTURE(p.residual);
  CAPTURE(p.relu);
  CAPTURE(p.slack);
  const std::int64_t lda = (p.turned_a ? p.m : p.k) + p.slack, ldb = (p.turned_b ? p.k : p.n) + p.slack, ldc = p.n + p.slack;
  const auto a = values<T>((p.turned_a ? p.k : p.m) * lda, {seed, 1}), b = values<T>((p.turned_b ? p.n : p.k) * ldb, {seed, 2});
  const auto scale = values<T>(p.n, {seed, 3}), shift = values<T>(p.n, {seed, 4}), residual = values<T>(p.m * ldc, {seed, 5});
  const auto before = values<T>(p.m * ldc, {seed, 6});
  auto c = before;
  const cpu::epilogue<T> e{p.scale ? scale.data() : nullptr, p.shift ? shift.data() : nullptr, p.residual ? residual.data() : nullptr, ldc, p.relu};
  cpu::gemm<T>(p.m, p.n, p.k, {a.data(), lda, p.turned_a}, {b.data(), ldb, p.turned_b}, c.data(), ldc, p.accumulate, e);

  // The rounding of a sum; in bf16 sums are in float, and the result is rounded besides.
  const double unit = std::is_same_v<T, double> ? 2.3e-16 : 1.2e-7, result = std::is_same_v<T, bf16> ? 0x1.01p-8 : 0;
  double worst = 0;
  bool beyond_untouched = true;
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j), jj = static_cast<std::size_t>(j);
      double sum = p.accumulate ? static_cast<double>(before[at]) : 0, size = std::abs(sum);
      for (std::int64_t k = 0; k < p.k; ++k) {
        const double term = static_cast<double>(a[static_cast<std::size_t>(p.turned_a ? k * lda + i : i * lda + k)]) *
                            static_cast<double>(b[static_cast<std::size_t>(p.turned_b ? j * ldb + k : k * ldb + j)]);
        sum += term, size += std::abs(term);
      }
      if (p.scale) sum *= static_cast<double>(scale[jj]), size *= std::abs(static_cast<double>(scale[jj]));
      if (p.shift) sum += static_cast<double>(shift[jj]), size += std::abs(static_cast<double>(shift[jj]));
      if (p.residual) sum += static_cast<double>(residual[at]), size += std::abs(static_cast<double>(residual[at]));
      if (p.relu) sum = std::max(sum, 0.0);
      worst = std::max(worst, (std::abs(static_cast<double>(c[at]) - sum) - result * std::abs(sum)) / (size * unit + 1e-300));
    }
    for (std::int64_t j = p.n; j < ldc; ++j) {
      const auto at = static_cast<std::size_t>(i * ldc + j);
      beyond_untouched = beyond_untouched && c[at] == before[at];
    }
  }
  CHECK(worst <= static_cast<double>(p.k + 4));  // each of k + 4 operations rounds once
  CHECK(beyond_untouched);
}

}  // namespace

TEST_CASE("the matrix product equals its definition for any extents, transposes, strides and epilogue") {
  const std::int64_t extents[] = {1, 2, 3, 5, 6, 7, 13, 14, 15, 16, 17, 28, 31, 32, 33, 63, 64, 65, 100};
  const std::int64_t depths[] = {0, 1, 2, 15, 16, 17, 31, 48, 147, 383, 384, 385, 400, 769};
  test::for_each_isa([&] {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
      const random_stream r{seed, 50};
      const problem p{extents[r.below(0, 19)], extents[r.below(1, 19)], depths[r.below(2, 14)], r.below(3, 2) == 1,
                      r.below(4, 2) == 1,      r.below(5, 2) == 1,      r.below(6, 2) == 1,     r.below(7, 2) == 1,
                      r.below(8, 2) == 1,      r.below(9, 2) == 1,      r.below(10, 3)};
      if (cpu::current_isa() != cpu::isa::avx512_bf16) check<float>(p, seed), check<double>(p, seed);  // the kernels of avx512
      if (seed % 3 == 0) check<bf16>(p, seed);
    }
  });
}

TEST_CASE("the matrix product of many rows, columns or a deep sum goes through every block") {
  test::for_each_isa([] {
    check<float>({1200, 70, 40, false, false, false, false, true, false, true, 0}, 1);
    check<float>({30, 1500, 33, false, true, true, true, true, true, false, 3}, 2);
    check<float>({20, 40, 30000, true, false, false, false, false, false, false, 0}, 3);
    check<bf16>({1200, 70, 40, false, false, false, false, true, false, true, 0}, 1);
    check<bf16>({30, 1500, 33, false, true, true, true, true, true, false, 3}, 2);
    check<bf16>({20, 40, 30000, true, false, false, true, true, true, false, 0}, 3);
    check<bf16>({150, 700, 3001, false, false, true, true, true, true, true, 1}, 6);
    check<double>({9, 3, 9000, true, true, true, false, true, true, true, 1}, 4);
    check<double>({700, 1, 20, false, false, false, false, true, false, false, 0}, 5);
  });
}

TEST_CASE("empty matrix products") {
  const float a[4] = {1, 2, 3, 4};
  float c[2] = {5, 6};
  cpu::gemm<float>(0, 2, 2, {a, 2}, {a, 2}, c, 2);
  cpu::gemm<float>(1, 0, 2, {a, 2}, {a, 2}, c, 2);
  CHECK(c[0] == 5);
  cpu::gemm<float>(1, 2, 0, {a, 2}, {a, 2}, c, 2, true);
  CHECK(c[1] == 6);
  cpu::gemm<float>(1, 2, 0, {a, 2}, {a, 2}, c, 2, false, {nullptr, a, nullptr, 0, false});
  CHECK(c[0] == 1);
  CHECK(c[1] == 2);
}

TEST_CASE("the matrix product gives the same bits with any number of threads") {
  const int before = threads();
  const auto a = values<float>(310 * 1000, {1, 1}), b = values<float>(1000 * 90, {1, 2});
  const auto product = [&](int n) {
    set_threads(n);
    std::vector<float> c(310 * 90);
    cpu::gemm<float>(310, 90, 1000, {a.data(), 1000}, {b.data(), 90}, c.data(), 90);
    return c;
  };
  const auto one = product(1);
  CHECK(one == product(2));
  CHECK(one == product(16));
  set_threads(before);
}
