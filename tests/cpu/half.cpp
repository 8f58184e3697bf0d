// Conversions between bf16 and float by vectors against those of core/dtype.hpp, bit for bit, and the copies that kernels of float run on.
#include <dcs/core/philox.hpp>
#include <dcs/cpu/half.hpp>

#include "../every_isa.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <vector>

using namespace dcs;

namespace {

// Every bf16, and around each the floats that decide how one is rounded: the next above, a tie and its neighbours; NaN and infinity among them.
std::vector<float> deciding_floats() {
  std::vector<float> all;
  for (std::uint32_t upper = 0; upper < 0x10000u; ++upper)
    for (const std::uint32_t lower : {0u, 1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) all.push_back(std::bit_cast<float>(upper << 16 | lower));
  all.resize(all.size() - 5);  // no whole number of vectors
  return all;
}

}  // namespace

TEST_CASE("floats are rounded to bf16, and bf16 widened, to the bits of the element type's own conversions") {
  const auto floats = deciding_floats();
  const auto n = static_cast<std::int64_t>(floats.size());
  test::for_each_isa([&] {
    std::vector<bf16> rounded(floats.size());
    std::vector<float> widened(floats.size());
    cpu::round_numbers(floats.data(), n, rounded.data());
    cpu::widen_numbers(rounded.data(), n, widened.data());
    int different = 0;
    for (std::size_t i = 0; i < floats.size(); ++i) {
      different += rounded[i].bits != bf16(floats[i]).bits;
      different += std::bit_cast<std::uint32_t>(widened[i]) != static_cast<std::uint32_t>(rounded[i].bits) << 16;
    }
    CHECK(different == 0);
  });
}

TEST_CASE("a kernel of float reads widened copies and its results are rounded; null stays null") {
  const std::int64_t n = 70001;
  std::vector<bf16> x(n), y(n);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<bf16>(random_stream{3, 3}.normal(i));
  const bf16* none = nullptr;
  bf16* nowhere = nullptr;
  cpu::in_float(
      [&](const float* xf, const float* missing, float* yf, float* unwanted) {
        CHECK(missing == nullptr);
        CHECK(unwanted == nullptr);
        for (std::int64_t i = 0; i < n; ++i) yf[i] = xf[i] * 1.01f;
      },
      cpu::reads<bf16>{x.data(), n}, cpu::reads<bf16>{none, n}, cpu::writes<bf16>{y.data(), n}, cpu::writes<bf16>{nowhere, n});
  int different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) different += y[i].bits != bf16(float(x[i]) * 1.01f).bits;
  CHECK(different == 0);
}
