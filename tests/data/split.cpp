// Splits: shares are met, what belongs together stays together, the same seed gives the same split, folds test each image once.
#include <dcs/data/split.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

using namespace dcs;

namespace {

std::vector<split_image> singles(int n) {
  std::vector<split_image> images;
  for (int k = 0; k < n; ++k) images.push_back({"p" + std::to_string(k / 3) + "_" + std::to_string(k)});
  return images;
}
std::vector<split_image> slices(std::initializer_list<int> volumes) {
  std::vector<split_image> images;
  for (int v = 0; const int n : volumes) {
    for (int k = 0; k < n; ++k) images.push_back({"v" + std::to_string(v) + "_" + std::to_string(k), "v" + std::to_string(v)});
    ++v;
  }
  return images;
}
std::int64_t count(const std::vector<split_part>& parts, split_part p) { return std::count(parts.begin(), parts.end(), p); }

}  // namespace

TEST_CASE("split: shares of single images are met to the image; the seed alone decides") {
  for (const int n : {10, 37, 1000}) {
    const auto images = singles(n);
    const auto parts = split_by_share(images, {0.1, 0.2, 0, {}, 3});
    CHECK(count(parts, split_part::test) == std::llround(0.2 * n));
    CHECK(count(parts, split_part::val) == std::llround(0.1 * n));
    CHECK(parts == split_by_share(images, {0.1, 0.2, 0, {}, 3}));
    if (n > 10) CHECK(parts != split_by_share(images, {0.1, 0.2, 0, {}, 4}));
  }
  // The split of ten images under seed 0, so that a later version cannot quietly make another.
  std::string text;
  for (const auto p : split_by_share(singles(10), {0.2, 0.2, 0, {}, 0})) text += "rve"[static_cast<int>(p)];
  CHECK(text == "vrerrrrrve");
  // Another order of the same images, as another source may list them: each has the part that it had.
  auto backwards = singles(37);
  const auto forwards = split_by_share(backwards, {0.2, 0.2, 0, {}, 1});
  std::reverse(backwards.begin(), backwards.end());
  auto parts = split_by_share(backwards, {0.2, 0.2, 0, {}, 1});
  std::reverse(parts.begin(), parts.end());
  CHECK(parts == forwards);
  CHECK(count(split_by_share(singles(5), {0, 0, 0, {}, 0}), split_part::train) == 5);
}

TEST_CASE("split: groups, volumes and blocks stay together") {
  const auto parts_of = [](const std::vector<split_image>& images, const std::vector<split_part>& parts, auto key) {
    std::map<std::string, std::set<split_part>> found;
    for (std::size_t k = 0; k < images.size(); ++k) found[key(k)].insert(parts[k]);
    return std::all_of(found.begin(), found.end(), [](const auto& f) { return f.second.size() == 1; });
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto images = singles(60);
    split_options o{0.15, 0.25, 0, group_rule("^(p[0-9]+)_"), seed};
    const auto parts = split_by_share(images, o);
    CHECK(parts_of(images, parts, [&](std::size_t k) { return *o.groups->of(images[k].name); }));
    CHECK(count(parts, split_part::test) == 15);
    CHECK(count(parts, split_part::val) == 9);

    const auto volumes = slices({10, 20, 30, 15, 25, 12, 8});
    CHECK(parts_of(volumes, split_by_share(volumes, {0.2, 0.2, 0, {}, seed}), [&](std::size_t k) { return volumes[k].series; }));
    const auto blocks = split_by_share(volumes, {0.2, 0.2, 5, {}, seed});
    std::map<std::string, int> at;
    std::vector<std::string> block_of;
    for (const auto& i : volumes) block_of.push_back(i.series + "/" + std::to_string(at[i.series]++ / 5));
    CHECK(parts_of(volumes, blocks, [&](std::size_t k) { return block_of[k]; }));
    CHECK_FALSE(parts_of(volumes, blocks, [&](std::size_t k) { return volumes[k].series; }));
  }
}

TEST_CASE("split: a table or an expression gives an image's name the same group with its extension as without; points are part of a name") {
  std::ofstream("split_test.csv") << "name,group\nv.1_a.png,1\nv.1_b,2\nw.TIFF,3\n";
  const group_rule table("split_test.csv");
  std::filesystem::remove("split_test.csv");
  const group_rule ends("_([a-z])$");
  for (const auto& [name, group] : {std::pair("v.1_a", "1"), std::pair("v.1_b", "2"), std::pair("w", "3")})
    for (const char* extension : {"", ".png", ".JPG", ".jpeg", ".tif"}) CHECK(table.of(std::string(name) + extension) == group);
  CHECK_FALSE(table.of("v").has_value());
  CHECK((ends.of("v.1_b") == "b" && ends.of("v.1_b.png") == "b"));
}

TEST_CASE("split: folds test each image once, nearly as many in each") {
  const auto images = singles(60);
  const split_options o{0.2, 0.9, 0, group_rule("^(p[0-9]+)_"), 5};
  const auto sets = split_in_folds(images, 4, o);
  REQUIRE(sets.size() == 4);
  for (std::size_t k = 0; k < images.size(); ++k) {
    int tested = 0;
    for (const auto& s : sets) tested += s[k] == split_part::test;
    CHECK(tested == 1);
  }
  for (const auto& s : sets) {
    CHECK(count(s, split_part::test) == 15);
    CHECK(count(s, split_part::val) == 9);
    for (std::size_t k = 0; k + 2 < images.size(); k += 3) CHECK((s[k] == s[k + 1] && s[k] == s[k + 2]));
  }
  CHECK(sets == split_in_folds(images, 4, o));
}

TEST_CASE("split: what cannot be split is an error in words") {
  const auto volume = slices({20});
  CHECK_THROWS_WITH_AS((void)split_by_share(volume, {}), doctest::Contains("test gets none of 20 images, which are 1 groups, blocks or series"),
                       error);
  CHECK_NOTHROW((void)split_by_share(volume, {0.1, 0.2, 2, {}, 0}));
  CHECK_THROWS_WITH_AS((void)split_by_share(volume, {0.5, 0.5, 0, {}, 0}), doctest::Contains("together below 1"), error);
  CHECK_THROWS_WITH_AS((void)split_by_share(volume, {-0.1, 0.5, 0, {}, 0}), doctest::Contains("from 0"), error);
  CHECK_THROWS_WITH_AS((void)split_by_share(volume, {0.1, 0.2, -1, {}, 0}), doctest::Contains("blocks of -1"), error);
  CHECK_THROWS_WITH_AS((void)split_by_share(volume, {0.1, 0.2, 0, group_rule("^(p[0-9]+)_"), 0}), doctest::Contains("v0_0 is in no group"), error);
  CHECK_THROWS_WITH_AS((void)split_in_folds(volume, 2, {}), doctest::Contains("2 folds of 1 groups"), error);
  CHECK_THROWS_WITH_AS((void)split_in_folds(singles(2), 2, {}), doctest::Contains("of fold 0 gets no image"), error);
}
