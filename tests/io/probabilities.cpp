// Probabilities as grey PNGs of 16 bits: the samples that are stored, and what is refused.
#include <dcs/io/image.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <set>
#include <utility>

using namespace dcs;

TEST_CASE("a probability is the sample round(65535 p), in 16 bits, clamped to 0 and 1") {
  const std::string path = "probabilities_test.png";
  for (const auto& [p, sample] : {std::pair(0.0f, 0), std::pair(1.0f, 65535), std::pair(0.5f, 32768), std::pair(1.0f / 65535, 1),
                                  std::pair(0.4999f / 65535, 0), std::pair(-0.1f, 0), std::pair(1.1f, 65535), std::pair(0.25f, 16384)}) {
    io::write_probabilities(path, 1, 1, {p});
    const auto stored = io::read_values(path);
    CHECK((stored.grey == std::set<std::int64_t>{sample}));
    CHECK(stored.most == 65535);
    CHECK(stored.colours == 0);
  }
  const std::vector<float> p{0, 1, 0.5f, 0, 1, 0, 0, 0.25f};
  io::write_probabilities(path, 2, 4, p);
  const mask lesion = io::read_mask(path);
  CHECK((lesion.height == 2 && lesion.width == 4 && lesion.pixels == std::vector<std::uint8_t>{0, 1, 1, 0, 1, 0, 0, 1}));
  std::filesystem::remove(path);
  CHECK_THROWS_WITH_AS(io::write_probabilities(path, 3, 4, p), doctest::Contains("8 probabilities of 3 × 4"), error);
  CHECK_THROWS_WITH_AS(io::write_probabilities(path, 0, 4, {}), doctest::Contains("0 probabilities"), error);
  CHECK_THROWS_WITH_AS(io::write_probabilities(path, 1, 1, {std::numeric_limits<float>::quiet_NaN()}), doctest::Contains("not a number"), error);
  CHECK(!std::filesystem::exists(path));
}
