#include <dcs/io/crc32c.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace dcs;

TEST_CASE("crc32c: known values") {
  const auto of = [](const std::string& s) { return io::crc32c(s.data(), s.size()); };
  CHECK(of("") == 0);
  CHECK(of("a") == 0xC1D04330);
  CHECK(of("123456789") == 0xE3069283);  // the check value of the catalogue of CRCs
  // RFC 3720, appendix B.4
  CHECK(of(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(of(std::string(32, '\xFF')) == 0x62A8AB43);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i), falling += static_cast<char>(31 - i);
  CHECK(of(rising) == 0x46DD794E);
  CHECK(of(falling) == 0x113FDB5C);
}

TEST_CASE("crc32c: checksums of parts combine to that of the whole, for any cut and alignment") {
  std::string s;
  for (int i = 0; i < 70; ++i) s += static_cast<char>(i * 37 + 11);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    const char* p = s.data() + begin;
    const std::size_t n = s.size() - begin;
    std::uint32_t bytewise = 0;
    for (std::size_t i = 0; i < n; ++i) bytewise = io::crc32c(p + i, 1, bytewise);
    for (std::size_t cut = 0; cut <= n; ++cut) CHECK(io::crc32c(p + cut, n - cut, io::crc32c(p, cut)) == bytewise);
  }
}
