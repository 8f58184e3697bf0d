// NIfTI out: values come back in either byte order, with gzip and without, and all of the header that says where a volume lies stays.
#include <dcs/io/nifti_writer.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

using namespace dcs;

namespace {

struct scratch {
  std::string plain = "nifti_writer_test.nii", packed = "nifti_writer_test.nii.gz", source = "nifti_writer_source.nii";
  ~scratch() {
    for (const auto& path : {plain, packed, source}) std::filesystem::remove(path);
  }
};

// A volume that nibabel wrote, of 3 × 4 × 2 voxels (goldens/nifti.py).
std::string golden(const std::string& name) {
  const char* tests = std::getenv("DCS_TEST_DATA");
  const auto all = nlohmann::json::parse(io::read_bytes(std::string(tests ? tests : "tests") + "/goldens/nifti.json", "test", 1 << 20));
  const auto hex = all.at(name).at("file").get<std::string>();
  std::string bytes;
  for (std::size_t k = 0; k < hex.size(); k += 2) bytes += static_cast<char>(std::stoi(hex.substr(k, 2), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("values of either type come back, in the byte order of the header, with gzip and without") {
  const scratch files;
  std::vector<std::uint8_t> mask;
  std::vector<float> values;
  for (int i = 0; i < 24; ++i) mask.push_back(i % 3 == 0), values.push_back(static_cast<float>(i) / 32 - 0.25f);
  // int16 is stored with a slope and an intercept, which do not apply to the values that are written.
  for (const char* name : {"int16 <", "int16 >", "float64 >", "uint16 <"}) {
    io::write_bytes(files.source, "test", golden(name));
    const std::string header = io::nifti_header_bytes(files.source);
    REQUIRE(header.size() == 348);
    const io::volume source = io::read_nifti(files.source);
    for (const auto& path : {files.plain, files.packed}) {
      io::write_nifti(path, header, values);
      const io::volume v = io::read_nifti(path);
      CHECK((v.values == values && v.extents == source.extents && v.spacing == source.spacing));
      io::write_nifti(path, header, mask);
      CHECK(io::read_nifti(path).values == std::vector<float>(mask.begin(), mask.end()));
      CHECK(io::read_nifti_header(path).swapped == (std::string(name).back() == '>'));
    }
    CHECK(io::read_bytes(files.packed, "test", 1 << 20).substr(0, 2) == "\x1F\x8B");
    // Both transforms, the sizes of voxels and their units: bytes 76 to 107, 123 and 252 to 327 of the header.
    const std::string written = io::nifti_header_bytes(files.packed);
    for (const auto& [begin, bytes] : {std::pair(40, 16), std::pair(76, 32), std::pair(123, 1), std::pair(252, 76)})
      CHECK(written.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes)) ==
            header.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(bytes)));
  }
}

TEST_CASE("the same values are the same bytes, and other numbers of values are refused") {
  const scratch files;
  io::write_bytes(files.source, "test", golden("uint8 <"));
  const std::string header = io::nifti_header_bytes(files.source);
  io::write_nifti(files.packed, header, std::vector<float>(24, 0.5f));
  const std::string first = io::read_bytes(files.packed, "test", 1 << 20);
  io::write_nifti(files.packed, header, std::vector<float>(24, 0.5f));
  CHECK(io::read_bytes(files.packed, "test", 1 << 20) == first);
  CHECK_THROWS_WITH_AS(io::write_nifti(files.plain, header, std::vector<float>(23)), doctest::Contains("23 values for 24 voxels"), error);
  CHECK_THROWS_WITH_AS(io::write_nifti(files.plain, header.substr(0, 300), std::vector<float>(24)), doctest::Contains("ends within its header"),
                       error);
  CHECK(!std::filesystem::exists(files.plain));
}
