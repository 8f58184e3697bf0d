#include <dcs/cpu/random.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace dcs;

TEST_CASE("masks drawn by vectors are those of the stream, on every instruction set") {
  const cpu::isa before = cpu::current_isa();
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    CAPTURE(cpu::name(isa));
    const random_stream random{0x123456789ABCDEFull, 0xFEDCBA9876543210ull};
    for (std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, (std::uint64_t{1} << 34) - 3})
      for (std::int64_t count : {0, 1, 5, 31, 32, 33, 200})
        for (double p : {0.0, 0.2, 0.5, 0.999999999}) {
          std::vector<float> mask(static_cast<std::size_t>(count) + 1, 7.0f);
          cpu::draw_mask(random, first, count, p, 1.25f, mask.data());
          bool same = true;
          for (std::int64_t i = 0; i < count; ++i)
            same &=
                mask[static_cast<std::size_t>(i)] == (random.uniform(first + static_cast<std::uint64_t>(i)) >= static_cast<float>(p) ? 1.25f : 0.0f);
          CHECK(same);
          CHECK(mask[static_cast<std::size_t>(count)] == 7.0f);
        }
    std::vector<double> mask(64);
    cpu::draw_mask(random, 3, 64, 0.3, 2.0, mask.data());
    for (std::uint64_t i = 0; i < 64; ++i) CHECK(mask[i] == (random.uniform(3 + i) >= 0.3f ? 2.0 : 0.0));
  }
  cpu::set_isa(before);
}
