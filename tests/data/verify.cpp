// A verified set: each kind of fault is found where it is, and a set without one has none; spacing, groups, numbers of the set.
#include "../io/raw_images.hpp"

#include <dcs/core/philox.hpp>
#include <dcs/data/folder.hpp>
#include <dcs/data/verify.hpp>

#include <algorithm>

using namespace dcs;
namespace fs = std::filesystem;

namespace {

// A set of 3, 1 and 1 images of 24 × 32 that differ, each with a lesion of 4 × 4; removed at the end.
struct temporary_set {
  fs::path root = fs::temp_directory_path() / ("dcs_verify_test_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)));
  temporary_set() {
    int number = 0;
    for (const auto& [split, count] : {std::pair("train", 3), std::pair("val", 1), std::pair("test", 1)})
      for (int i = 0; i < count; ++i, ++number) {
        io::create_folders((root / split / "images").string(), "test"), io::create_folders((root / split / "masks").string(), "test");
        const std::string name = "p" + std::to_string(number) + "_a.png";
        io::write_png(at(split, "images", name), picture(number));
        io::write_mask(at(split, "masks", name), spot());
      }
  }
  temporary_set(const temporary_set&) = delete;
  ~temporary_set() { fs::remove_all(root); }
  std::string at(const std::string& split, const std::string& kind, const std::string& name) const { return (root / split / kind / name).string(); }

  static image picture(int number) {
    const random_stream random{7, static_cast<std::uint64_t>(number)};
    image i{24, 32, 1, {}};
    for (std::uint64_t p = 0; p < 24 * 32; ++p) i.pixels.push_back(static_cast<std::uint8_t>(255 * random.uniform(p)));
    return i;
  }
  static mask spot() {
    mask m{24, 32, std::vector<std::uint8_t>(24 * 32, 0)};
    for (std::int64_t y = 4; y < 8; ++y)
      for (std::int64_t x = 4; x < 8; ++x) m.at(y, x) = 1;
    return m;
  }
  std::vector<std::string> faults(const verify_options& o = {}) const {
    std::vector<std::string> all;
    for (const auto& f : verify_set(root.string(), o).faults) all.push_back(f.text());
    return all;
  }
  // There is one fault, about this file, in these words.
  void one_fault(const std::string& path, const std::string& words, const verify_options& o = {}) const {
    const auto all = faults(o);
    REQUIRE_MESSAGE(all.size() == 1, words);
    CHECK_MESSAGE(all[0].starts_with(path), all[0]);
    CHECK_MESSAGE(all[0].find(words) != std::string::npos, all[0]);
  }
};

}  // namespace

TEST_CASE("verify: a set without a fault, and its numbers") {
  const temporary_set s;
  std::ofstream(s.root / "spacing.csv") << "name,row_mm,column_mm\np0_a,0.5,0.75\n";
  const verification v = verify_set(s.root.string());
  CHECK(v.faults.empty());
  CHECK(v.notes.empty());
  CHECK(v.images.size() == 5);
  CHECK((v.statistics.images() == 5 && v.statistics.objects() == 5 && v.statistics.empty() == 0));
  std::vector<double> all;
  for (int k = 0; k < 5; ++k)
    for (const auto p : temporary_set::picture(k).pixels) all.push_back(p);
  double sum = 0, squares = 0;
  for (const double p : all) sum += p;
  const double mean = sum / static_cast<double>(all.size());
  for (const double p : all) squares += (p - mean) * (p - mean);
  std::sort(all.begin(), all.end());
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(v.statistics.mean(c) == doctest::Approx(mean));
    CHECK(v.statistics.deviation(c) == doctest::Approx(std::sqrt(squares / static_cast<double>(all.size()))));
    CHECK(v.statistics.percentile(c, 50) == all[all.size() / 2 - 1]);
    CHECK(v.statistics.percentile(c, 95) == all[all.size() * 95 / 100 - 1]);
  }
  const std::string text = v.statistics.text();
  for (const char* words : {"24 × 32 (5)", "0.5 to 0.75 mm, known of 1 images", "16 to 31        5 #####", "lesion           2.0833 %"})
    CHECK_MESSAGE(text.find(words) != std::string::npos, text);
}

TEST_CASE("verify: files") {
  const raw::warnings said;
  const temporary_set s;
  const std::string image = s.at("train", "images", "p1_a.png"), mask_path = s.at("train", "masks", "p1_a.png"), bytes = raw::bytes_of(image);
  raw::put_bytes(image, bytes.substr(0, bytes.size() / 2)), s.one_fault(image, "cannot be read");
  raw::put_bytes(image, "no image at all"), s.one_fault(image, "neither PNG nor JPEG");
  fs::remove(image), s.one_fault(mask_path, "belongs to no image; expected an image of this stem");
  fs::create_symlink("/nowhere", image);
  CHECK(s.faults().size() == 2);  // and the mask that is left
  fs::remove(image), raw::put_bytes(image, bytes);
  const std::string mask_bytes = raw::bytes_of(mask_path);
  fs::remove(mask_path), s.one_fault(image, "has no mask in");
  io::write_mask(mask_path, {4, 5, std::vector<std::uint8_t>(20, 1)}), s.one_fault(mask_path, "is 4 × 5; expected its image's size, 24 × 32");
  raw::put_bytes(mask_path, mask_bytes), raw::put_bytes(s.at("train", "images", "p1_a.jpg"), bytes);
  s.one_fault(s.at("train", "images", "p1_a.jpg"), "have one stem");
  fs::remove(s.at("train", "images", "p1_a.jpg"));
  CHECK(s.faults().empty());
  fs::remove_all(s.root / "val");
  CHECK(verify_set(s.root.string()).notes == std::vector<std::string>{"there is no split val"});
  fs::remove_all(s.root / "test" / "masks"), s.one_fault((s.root / "test" / "masks").string(), "is no folder");
  CHECK_THROWS_WITH_AS((void)verify_set((s.root / "train").string()), doctest::Contains("none of the folders"), error);
}

TEST_CASE("verify: label values, declared or not; empty and JPEG masks") {
  const raw::warnings said;
  const temporary_set s;
  const std::string path = s.at("train", "masks", "p0_a.png");
  const auto write = [&](std::initializer_list<std::uint8_t> values, std::int64_t channels) {
    image m{24, 32, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(24 * 32 * channels), 0)};
    std::copy(values.begin(), values.end(), m.pixels.begin());
    io::write_png(path, m);
  };
  write({1, 1}, 1);
  CHECK(s.faults().empty());
  write({255, 0, 255}, 1);
  CHECK(s.faults().empty());
  write({255, 255, 255}, 3);  // grey in three channels
  CHECK(s.faults().empty());
  write({200, 0, 0}, 3);  // one colour on black
  CHECK(s.faults().empty());
  write({1, 2, 3}, 1), s.one_fault(path, "holds the values 0, 1, 2, 3; expected 0 and 1, or 0 and 255 (--labels N");
  verify_options three, two;
  three.labels = 3, two.labels = 2;
  CHECK(s.faults(three).empty());
  s.one_fault(path, "expected 0 to 2", two);
  write({0, 128}, 1), s.one_fault(path, "holds the values 0, 128");
  write({200, 0, 0, 0, 200, 0}, 3), s.one_fault(path, "and 2 colours");
  raw::write(path, {32, 24, 16, PNG_COLOR_TYPE_GRAY, std::vector<std::vector<png_byte>>(24, std::vector<png_byte>(64, 0xFF))});
  CHECK(s.faults().empty());
  write({}, 1);
  CHECK(verify_set(s.root.string()).statistics.empty() == 1);
  CHECK(s.faults().empty());
  CHECK(said.files("masks are JPEG") == 0);
  fs::remove(path), raw::write_jpeg(s.at("train", "masks", "p0_a.jpg"), {24, 32, 1, std::vector<std::uint8_t>(24 * 32, 250)});
  CHECK(s.faults().empty());
  CHECK(said.files("masks are JPEG") == 1);
}

TEST_CASE("verify: copies and groups across splits") {
  const raw::warnings said;
  const temporary_set s;
  const std::string in_train = s.at("train", "images", "p0_a.png"), in_test = s.at("test", "images", "p4_a.png"),
                    in_val = s.at("val", "images", "p3_a.png");
  fs::copy_file(in_train, in_test, fs::copy_options::overwrite_existing);
  s.one_fault(in_test, "has the pixels of " + in_train);
  image near = io::read_image(in_train);
  for (auto& p : near.pixels) p = static_cast<std::uint8_t>(p / 2 + 60);
  io::write_png(in_test, near);
  s.one_fault(in_test, "is nearly " + in_train);
  verify_options exact;
  exact.near = -1;
  CHECK(s.faults(exact).empty());
  io::write_png(in_test, temporary_set::picture(4));
  fs::copy_file(in_train, s.at("train", "images", "p1_a.png"), fs::copy_options::overwrite_existing);
  CHECK(s.faults().empty());
  CHECK(verify_set(s.root.string()).notes.size() == 1);  // a copy within a split

  for (const char* split : {"train", "test"})  // black slices are no copies of one another
    io::write_png(s.at(split, "images", "blank.png"), {24, 32, 1, std::vector<std::uint8_t>(24 * 32, 0)}),
        io::write_mask(s.at(split, "masks", "blank.png"), temporary_set::spot());
  CHECK(s.faults().empty());
  for (const char* split : {"train", "test"})
    for (const char* kind : {"images", "masks"}) fs::remove(s.at(split, kind, "blank.png"));

  verify_options grouped;
  grouped.groups.emplace("^p([0-9]+)_");
  CHECK(s.faults(grouped).empty());
  grouped.groups.emplace("^p([0-9]+)_a$");  // searched in the name without extension
  CHECK(s.faults(grouped).empty());
  grouped.groups.emplace("_(a)");
  CHECK(s.faults(grouped).size() == 2);  // one for val, one for test
  std::ofstream(s.root / "groups.csv") << "name,group\np0_a.png,1\np1_a,1\np2_a,2\np3_a,2\np4_a,3\n";
  grouped.groups.emplace((s.root / "groups.csv").string());
  s.one_fault(in_val, "is of group 2, as is " + s.at("train", "images", "p2_a.png"), grouped);
  std::ofstream(s.root / "groups.csv") << "p0_a.png,1\np1_a,1\np2_a,2\np3_a,3\n";
  grouped.groups.emplace((s.root / "groups.csv").string());
  s.one_fault(in_test, "is in no group", grouped);
  std::ofstream(s.root / "groups.csv") << "a,1\na,2\n";
  CHECK_THROWS_WITH_AS(group_rule((s.root / "groups.csv").string()), doctest::Contains("is in two groups"), error);
  CHECK_THROWS_WITH_AS(group_rule("(a"), doctest::Contains("no regular expression"), error);
}

TEST_CASE("a folder with spacings, and one whose wrong files are left out") {
  const raw::warnings said;
  const temporary_set s;
  std::ofstream(s.root / "spacing.csv") << "name,row_mm,column_mm\np0_a.png,0.5,0.75\n";
  const folder_dataset d(s.root.string(), "train", 16);
  CHECK(d.load(0).spacing == pixel_spacing{0.5, 0.75});
  CHECK(spacing_of_pixels(d.load(0)) == pixel_spacing{0.75, 1.5});  // 24 × 32 pixels became 16 × 16
  CHECK_FALSE(d.load(1).spacing.has_value());
  CHECK_FALSE(spacing_of_pixels(d.load(1)).has_value());
  write_spacing(s.root.string(), {{"p2_a", {0.1, 1.0 / 3}}});
  CHECK(folder_dataset(s.root.string(), "train", 16).load(2).spacing == pixel_spacing{0.1, 1.0 / 3});
  // Points in names: vol.1_0003 has no extension.
  const spacing_table dotted{{"v.1_0001", {1, 2}}, {"v.1_0002", {3, 4}}, {"v.2", {5, 6}}};
  write_spacing(s.root.string(), dotted);
  CHECK(read_spacing(s.root.string()) == dotted);
  fs::rename(s.at("train", "images", "p0_a.png"), s.at("train", "images", "v.1_0002.PNG"));
  fs::rename(s.at("train", "masks", "p0_a.png"), s.at("train", "masks", "v.1_0002.png"));
  CHECK(folder_dataset(s.root.string(), "train", 16).load(2).spacing == pixel_spacing{3, 4});
  CHECK(verify_set(s.root.string()).statistics.text().find("known of 1 images") != std::string::npos);
  fs::rename(s.at("train", "images", "v.1_0002.PNG"), s.at("train", "images", "p0_a.png"));
  fs::rename(s.at("train", "masks", "v.1_0002.png"), s.at("train", "masks", "p0_a.png"));
  for (const char* wrong : {"a,1,0\n", "a,1,x\n", "a,-1,1\n", "a,nan,1\n", "a,1,2000\n", "a,1,1\na.png,1,2\n"}) {
    std::ofstream(s.root / "spacing.csv") << "name,row_mm,column_mm\n" << wrong;
    CHECK_THROWS_WITH_AS((void)read_spacing(s.root.string()), doctest::Contains("spacing.csv"), error);
  }
  std::ofstream(s.root / "spacing.csv") << "a,1,1\n";
  CHECK_THROWS_WITH_AS((void)read_spacing(s.root.string()), doctest::Contains("heading"), error);
  fs::remove(s.root / "spacing.csv");

  const auto skipping = [&] { return folder_dataset(s.root.string(), "train", 16, {}, mask_values::lesion, wrong_files::skip); };
  CHECK((skipping().size() == 3 && skipping().left_out().empty()));
  raw::put_bytes(s.at("train", "images", "p1_a.png"), "no image at all");
  fs::create_symlink("/nowhere", s.at("train", "images", "z.png"));
  const folder_dataset rest = skipping();
  REQUIRE((rest.size() == 2 && rest.left_out().size() == 2));
  CHECK((rest.name(0) == "p0_a.png" && rest.name(1) == "p2_a.png"));
  CHECK(rest.left_out()[0].text().find("z.png is a link to nothing") != std::string::npos);
  CHECK(rest.left_out()[1].text().find("p1_a.png cannot be used: ") != std::string::npos);
  CHECK_NOTHROW((void)data_fingerprint(s.root.string()));
  for (const char* name : {"p0_a.png", "p2_a.png"}) fs::remove(s.at("train", "masks", name));
  CHECK_THROWS_WITH_AS(skipping(), doctest::Contains("holds no image that can be used"), error);
}
