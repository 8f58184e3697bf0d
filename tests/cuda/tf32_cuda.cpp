// Floats on matrix units: rounding to TF32, and the accuracy of three products of the parts compared with one product.
#include <dcs/cuda/tf32.hpp>

#include "compare.hpp"

#include <cmath>
#include <limits>

using namespace dcs;
using namespace dcs::cuda;
using kernel_test::target;

namespace {

struct rounding_kernel {
  static constexpr const char* name = "rounding";
  static constexpr int threads = 32;
  device_span<const float> x;
  device_span<float> y;
  std::int64_t blocks() const { return ceil_div(x.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }
  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto in = b.global(x, "x");
    const auto out = b.global(y, "y");
    if (b.index() < x.size) out.write(b.index(), to_tf32(in.read(b.index())));
  }
};

// c = a · b, of 16 × 16 and 16 × 8.
template <mma_precision P>
struct product_kernel {
  static constexpr const char* name = "product";
  static constexpr int threads = 32;
  device_span<const float> a, b;
  device_span<float> c;
  std::int64_t blocks() const { return 1; }
  static constexpr std::int64_t shared_bytes() { return 4 * 16 * (16 + 8); }
  template <class Block>
  DCS_DEVICE void operator()(Block& blk) const {
    const auto ga = blk.global(a, "a"), gb = blk.global(b, "b");
    const auto out = blk.global(c, "c");
    const auto sa = blk.template shared<float>(16 * 16, "a"), sb = blk.template shared<float>(16 * 8, "b");
    for (int i = blk.thread(); i < 16 * 16; i += threads) sa.write(i, ga.read(i));
    for (int i = blk.thread(); i < 16 * 8; i += threads) sb.write(i, gb.read(i));
    blk.barrier();
    typename Block::template fragment_c<float> sum;
    blk.template mma<P>(sum, blk.load_a(sa, 0, 0, 16), blk.load_b_transposed(sb, 0, 0, 8));
    for (int e = 0; e < 4; ++e) out.write((blk.lane() / 4 + 8 * (e / 2)) * 8 + 2 * (blk.lane() % 4) + e % 2, sum.x[e]);
  }
};

// The largest error of an element of 100 products, relative to the sum of its terms' magnitudes.
template <mma_precision P>
double error_of_products() {
  double most = 0;
  for (std::uint64_t n = 0; n < 100; ++n) {
    const auto a = kernel_test::rounded<float>(random_normal<double, shape<16, 16>>({16, 16}, {4, 2 * n}));
    const auto b = kernel_test::rounded<float>(random_normal<double, shape<16, 8>>({16, 8}, {4, 2 * n + 1}));
    const auto da = to<target>(a);
    const auto db = to<target>(b);
    auto dc = tensor<float, shape<16, 8>, target>::empty({16, 8});
    launch(target{}, product_kernel<P>{{da.data(), 256}, {db.data(), 128}, {dc.data(), 128}});
    const auto c = to<cpu_device>(dc);
    for (extent_t i = 0; i < 16; ++i)
      for (extent_t j = 0; j < 8; ++j) {
        double wanted = 0, magnitude = 0;
        for (extent_t k = 0; k < 16; ++k) {
          const double term = double{a(i, k)} * double{b(k, j)};
          wanted += term, magnitude += std::abs(term);
        }
        most = std::max(most, std::abs(double{c(i, j)} - wanted) / magnitude);
      }
  }
  return most;
}

}  // namespace

TEST_CASE("TF32 has ten bits of mantissa; ties go away from zero") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<float, float>> table{{0.0f, 0.0f},
                                                   {1.0f, 1.0f},
                                                   {0x1.004p0f, 0x1.004p0f},   // one of ten bits
                                                   {0x1.002p0f, 0x1.004p0f},   // a tie
                                                   {0x1.006p0f, 0x1.008p0f},   // another, to an even number
                                                   {0x1.001ffep0f, 0x1.0p0f},  // a float below the tie
                                                   {0x1.ffep10f, 0x1.0p11f},   // carries to the exponent
                                                   {0x1.234566p-100f, 0x1.234p-100f},
                                                   {std::numeric_limits<float>::max(), infinity},
                                                   {infinity, infinity}};
  std::vector<float> x;
  for (const auto& [from, to] : table) x.push_back(from), x.push_back(-from);
  const auto in = kernel_test::uploaded(x);
  const device_scratch<float, target> out(static_cast<std::int64_t>(x.size()));
  launch(target{}, rounding_kernel{in.span(), out.span()});
  const auto y = kernel_test::on_host(out.data(), static_cast<std::int64_t>(x.size()));
  for (std::size_t i = 0; i < table.size(); ++i) {
    CAPTURE(table[i].first);
    CHECK(y[2 * i] == table[i].second);
    CHECK(y[2 * i + 1] == -table[i].second);
  }
  CHECK(std::isnan(to_tf32(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("two parts of ten bits leave a float's last bits at most") {
  for (std::uint64_t n = 0; n < 1000; ++n) {
    const float v = std::ldexp(random_stream{6, 0}.uniform(n) - 0.5f, static_cast<int>(n % 40) - 20);
    const float large = to_tf32(v), rest = to_tf32(v - large);
    CHECK(std::abs(double{v} - large) <= std::abs(double{v}) * 0x1p-11);
    CHECK(std::abs(double{v} - large - rest) <= std::abs(double{v}) * 0x1p-22);
  }
}

TEST_CASE("three products of the parts are a product of floats, one is not") {
  const double full = error_of_products<mma_precision::full>(), tf32 = error_of_products<mma_precision::tf32>();
  CHECK(full < 0x1p-19);  // 48 terms summed in float
  CHECK(tf32 > 0x1p-14);
  CHECK(tf32 < 0x1.01p-10);  // two roundings to 2⁻¹¹
}
