// Volumes as slices along each axis: which voxels, what grey, which labels, which spacing.
#include <dcs/data/volumes.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>

using namespace dcs;
namespace fs = std::filesystem;

namespace {

// 2 × 3 × 4 voxels whose values tell where they are.
io::volume numbered() {
  io::volume v{{2, 3, 4}, {0.5, 0.75, 3}, {}};
  for (int k = 0; k < 4; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) v.values.push_back(static_cast<float>(100 * k + 10 * j + i));
  return v;
}
// A NIfTI-1 of f32 in this machine's order.
void write_nifti(const std::string& path, const io::volume& v) {
  std::string bytes(352, '\0');
  const auto put = [&]<class T>(std::size_t at, T value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  put(0, std::int32_t{348}), put(40, std::int16_t{3}), put(70, std::int16_t{16}), put(72, std::int16_t{32}), put(108, 352.0f);
  for (std::size_t a = 0; a < 3; ++a) put(42 + 2 * a, static_cast<std::int16_t>(v.extents[a])), put(80 + 4 * a, static_cast<float>(v.spacing[a]));
  bytes.replace(344, 4, std::string("n+1\0", 4));
  bytes.append(reinterpret_cast<const char*>(v.values.data()), v.values.size() * sizeof(float));
  io::write_bytes(path, "test", bytes);
}

struct temporary_folder {
  fs::path root = fs::temp_directory_path() / ("dcs_volumes_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  temporary_folder() { fs::create_directories(root / "images"), fs::create_directories(root / "labels"); }
  temporary_folder(const temporary_folder&) = delete;
  ~temporary_folder() { fs::remove_all(root); }
  std::string operator/(const std::string& name) const { return (root / name).string(); }
};

}  // namespace

TEST_CASE("volumes: a slice's rows are the higher of its two axes, its columns the lower") {
  const io::volume v = numbered();
  using bytes = std::vector<std::uint8_t>;
  const value_range as_is{0, 255};
  CHECK(grey_slice(v, 2, 1, as_is).pixels == bytes{100, 101, 110, 111, 120, 121});
  CHECK(grey_slice(v, 1, 2, {0, 510}).pixels == bytes{10, 11, 60, 61, 110, 111, 160, 161});  // (20, 21, 120, 121, ...) / 2, rounded
  CHECK(grey_slice(v, 0, 1, as_is).pixels == bytes{1, 11, 21, 101, 111, 121, 201, 211, 221, 255, 255, 255});
  const image i = grey_slice(v, 0, 1, as_is);
  CHECK((i.height == 4 && i.width == 3 && i.channels == 1));
  CHECK(grey_slice(v, 2, 0, {5, 5}).pixels == bytes(6, 0));       // no range
  CHECK(grey_slice(v, 2, 0, {0, 1e-310}).pixels == bytes(6, 0));  // nor one that 255 can be divided by
}

TEST_CASE("volumes: windows and percentiles") {
  io::volume v{{101, 1, 1}, {}, {}};
  for (int k = 100; k >= 0; --k) v.values.push_back(static_cast<float>(k));
  const auto is = [&](const volume_options& o, double low, double high) {
    const value_range r = range_of(v, o);
    CHECK((r.low == low && r.high == high));
  };
  is({2, {40, 400}}, -160, 240);
  is({2, {}, {5, 90}}, 5, 90);
  is({2, {}, {0, 100}}, 0, 100);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const volume_options& o :
       {volume_options{2, {40, 0}}, volume_options{2, {nan, 1}}, volume_options{2, {40, nan}}, volume_options{2, {inf, 1}},
        volume_options{2, {40, inf}}, volume_options{2, {40}}, volume_options{2, {}, {50, 50}}, volume_options{2, {}, {0, 101}}})
    CHECK_THROWS_AS((void)range_of(v, o), error);
}

TEST_CASE("volumes: labels that are wanted; what is no label") {
  io::volume v{{4, 1, 1}, {}, {0, 1, 2, 7}};
  CHECK(label_slice(v, 2, 0, {}).pixels == std::vector<std::int32_t>{0, 1, 2, 7});
  CHECK(label_slice(v, 2, 0, {2, 7}).pixels == std::vector<std::int32_t>{0, 0, 2, 7});
  for (const float wrong : {0.5f, -1.0f, 65536.0f, 1e30f}) {
    v.values[1] = wrong;
    CHECK_THROWS_WITH_AS((void)label_slice(v, 2, 0, {}), doctest::Contains("expected whole numbers from 0 to 65535"), error);
  }
}

TEST_CASE("volumes: a folder of them, slices in order, each volume a series, spacing of the slice's own axes") {
  const temporary_folder t;
  io::volume labels = numbered();
  for (auto& x : labels.values) x = x == 111 ? 1.0f : 0.0f;
  for (const char* name : {"b.nii", "a.nii"})
    write_nifti(t / (std::string("images/") + name), numbered()), write_nifti(t / (std::string("labels/") + name), labels);
  const nifti_source all(t / "images", t / "labels", {1, {0, 510}});
  REQUIRE(all.images().size() == 6);
  CHECK((all.images()[0].name == "a_0000" && all.images()[5].name == "b_0002" && all.images()[5].series == "b"));
  const converted_image c = all.read(4);
  CHECK(c.spacing == pixel_spacing{3, 0.5});
  CHECK((c.pixels.height == 4 && c.pixels.width == 2));
  CHECK((c.objects.at(1, 1) == 1 && c.objects.objects() == 1));
  CHECK(all.read(0).objects.objects() == 0);
  const nifti_source lesions(t / "images", t / "labels", {1, {0, 510}, {}, true});
  REQUIRE(lesions.images().size() == 2);
  CHECK(lesions.images()[1].name == "b_0001");
  CHECK(nifti_source(t / "images/a.nii", t / "labels/a.nii", {}).images().size() == 4);
  io::volume odd = numbered();
  odd.spacing = {0.5, 0.75, 2000}, odd.values[0] = std::numeric_limits<float>::infinity();
  write_nifti(t / "images/a.nii", odd);
  const nifti_source far(t / "images/a.nii", t / "labels/a.nii", {1, {255, 510}});
  CHECK_FALSE(far.read(0).spacing.has_value());  // no set can state it
  CHECK(far.read(0).pixels.pixels[0] == 0);
  fs::remove(t / "labels/b.nii");
  CHECK_THROWS_WITH_AS(nifti_source(t / "images", t / "labels", {}), doctest::Contains("b has no labels"), error);
  labels.extents = {2, 4, 3};
  write_nifti(t / "labels/b.nii", labels);
  CHECK_THROWS_WITH_AS(nifti_source(t / "images", t / "labels", {}), doctest::Contains("is 2 × 4 × 3, its image 2 × 3 × 4"), error);
  CHECK_THROWS_WITH_AS(nifti_source(t.root.string(), t / "labels", {}), doctest::Contains("holds no file"), error);
}
