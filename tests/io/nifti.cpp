// NIfTI: values and spacings as nibabel reads them (goldens/nifti.py), in every element type and both byte orders; damage and claims.
#include <dcs/io/nifti.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

using namespace dcs;

namespace {

const std::string path = "nifti_test.nii";

struct remove_file {
  ~remove_file() { std::filesystem::remove(path); }
};

nlohmann::json goldens() {
  const char* tests = std::getenv("DCS_TEST_DATA");
  return nlohmann::json::parse(io::read_bytes(std::string(tests ? tests : "tests") + "/goldens/nifti.json", "test", 1 << 20));
}
std::string bytes_of(const nlohmann::json& entry) {
  const auto hex = entry.at("file").get<std::string>();
  std::string bytes;
  for (std::size_t k = 0; k < hex.size(); k += 2) bytes += static_cast<char>(std::stoi(hex.substr(k, 2), nullptr, 16));
  return bytes;
}
void put(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
// A header's number in the machine's order, as the goldens named "<" have it on this machine.
template <class T>
std::string with(std::string bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

}  // namespace

TEST_CASE("NIfTI: what is no finite f32 is 0") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double odd : {inf, -inf, std::numeric_limits<double>::quiet_NaN(), 1e39, -1e300}) CHECK(io::finite_float(odd) == 0.0f);
  for (const double fine : {0.5, -1000.0, 3.4028234663852886e38}) CHECK(static_cast<double>(io::finite_float(fine)) == fine);
}

TEST_CASE("NIfTI: every element type, both byte orders, scaling and gzip as nibabel reads them") {
  const remove_file cleanup;
  int files = 0;
  const nlohmann::json all = goldens();
  for (auto at = all.begin(); at != all.end(); ++at) {
    const std::string name = at.key();
    const nlohmann::json& entry = *at;
    CAPTURE(name);
    put(bytes_of(entry));
    const io::volume v = io::read_nifti(path);
    const io::nifti_header h = io::read_nifti_header(path);
    const auto values = entry.at("values").get<std::vector<double>>();
    REQUIRE(v.values.size() == values.size());
    for (std::size_t a = 0; a < 3; ++a) {
      CHECK(v.extents[a] == entry.at("extents")[a].get<std::int64_t>());
      CHECK(v.spacing[a] == doctest::Approx(entry.at("spacing")[a].get<double>()));
      CHECK(h.extents[a] == v.extents[a]);
    }
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(static_cast<double>(v.values[i]) == doctest::Approx(values[i]));
    CHECK(v.at(1, 2, 1) == v.values[1 + 3 * (2 + 4 * 1)]);
    ++files;
  }
  CHECK(files == 20);
}

TEST_CASE("NIfTI: units, and scaling that is none") {
  const remove_file cleanup;
  const std::string good = bytes_of(goldens().at("uint8 <"));
  put(with(good, 123, std::uint8_t{1}));
  CHECK(io::read_nifti(path).spacing[0] == doctest::Approx(500));
  put(with(good, 123, std::uint8_t{3}));
  CHECK(io::read_nifti(path).spacing[2] == doctest::Approx(0.003));
  const float plain = io::read_nifti(path).values[5];
  put(with(with(good, 112, 0.0f), 116, 7.0f));  // a slope of 0: no scaling
  CHECK(io::read_nifti(path).values[5] == plain);
  put(with(with(good, 112, 2.0f), 116, 7.0f));
  CHECK(io::read_nifti(path).values[5] == 2 * plain + 7);
}

TEST_CASE("NIfTI: damage and claims are errors that name the file, before memory is taken") {
  const remove_file cleanup;
  const std::string good = bytes_of(goldens().at("uint8 <"));
  const auto refused = [](const std::string& bytes, const char* words) {
    put(bytes);
    CHECK_THROWS_WITH_AS((void)io::read_nifti(path), doctest::Contains(words), error);
    CHECK_THROWS_WITH_AS((void)io::read_nifti(path), doctest::Contains(path.c_str()), error);
  };
  refused("", "ends within its header"), refused(good.substr(0, 300), "ends within its header");
  refused(good.substr(0, good.size() - 1), "ends at byte");
  refused(with(good, 0, std::int32_t{540}), "states 540 bytes");
  refused(with(good, 344, std::int32_t{0}), "pairs of .hdr and .img");
  refused(with(good, 40, std::int16_t{9}), "9 axes");
  refused(with(good, 42, std::int16_t{-3}), "axis 0 has -3 elements");
  refused(with(with(good, 40, std::int16_t{4}), 48, std::int16_t{2}), "axis 3 has 2 elements");
  refused(with(good, 70, std::int16_t{128}), "type 128");
  refused(with(good, 108, 8.0f), "begin at byte 8");
  refused(with(good, 108, std::numeric_limits<float>::quiet_NaN()), "begin at byte");
  const std::string huge = with(with(with(good, 42, std::int16_t{32767}), 44, std::int16_t{32767}), 46, std::int16_t{32767});
  refused(huge, "voxels that are read");
  refused(with(with(good, 42, std::int16_t{32767}), 44, std::int16_t{8000}), "ends at byte");
  const std::string packed = bytes_of(goldens().at("uint16 <"));
  refused(packed.substr(0, packed.size() - 12), "ends at byte");
  std::string flipped = packed;
  for (std::size_t k = packed.size() / 2; k < packed.size(); ++k) flipped[k] = static_cast<char>(flipped[k] ^ 0x5A);
  put(flipped);
  CHECK_THROWS_AS((void)io::read_nifti(path), error);
  put(packed + packed);  // gzip files that follow one another; what is behind the voxels is not read
  CHECK_NOTHROW((void)io::read_nifti(path));
}
