// The bootstrap and the signed-rank test, against SciPy's and NumPy's (tests/goldens/metrics.py) and by hand.
#include <dcs/metrics/bootstrap.hpp>
#include <dcs/metrics/comparison.hpp>
#include <dcs/metrics/wilcoxon.hpp>

#include "../ops/goldens.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {
ratio_of_sums some_values(std::size_t n) {
  ratio_of_sums r;
  for (std::size_t i = 0; i < n; ++i) r.add(static_cast<double>(random_stream{3, 4}.uniform(i)), 1);
  return r;
}
std::vector<std::int32_t> groups(std::size_t images, std::size_t of_size) {
  std::vector<std::int32_t> g;
  for (std::size_t i = 0; i < images; ++i) g.push_back(static_cast<std::int32_t>(i / of_size));
  return g;
}
std::vector<double> numbers(const io::safetensors& file, const std::string& name) { return file.at(name).as<double>(); }
}  // namespace

TEST_CASE("an interval has the same bits for any number of threads, and others for another seed") {
  const auto mean = some_values(37);
  const int before = threads();
  std::vector<estimate> all;
  for (const int n : {1, 2, 5}) {
    set_threads(n);
    all.push_back(*bootstrap(groups(37, 3), {.replicates = 500, .level = 0.95, .seed = 9})(mean));
  }
  set_threads(before);
  for (const auto& e : all) CHECK((e.value == all[0].value && e.low == all[0].low && e.high == all[0].high));
  const auto other = *bootstrap(groups(37, 3), {.replicates = 500, .level = 0.95, .seed = 10})(mean);
  CHECK((other.value == all[0].value && other.low != all[0].low));
  CHECK((all[0].low < all[0].value && all[0].value < all[0].high));
}

TEST_CASE("a group is drawn as a whole, and as many groups as there are") {
  const bootstrap b(groups(12, 4), {.replicates = 50});
  for (std::int64_t r = 0; r < b.replicates(); ++r) {
    const auto drawn = b.replicate(r);
    CHECK(drawn[0] + drawn[4] + drawn[8] == 3);
    for (std::size_t i = 0; i < 12; ++i) CHECK(drawn[i] == drawn[i / 4 * 4]);
  }
}

TEST_CASE("equal images have an interval of no width; a wider level contains a narrower one's interval") {
  ratio_of_sums same;
  for (int i = 0; i < 10; ++i) same.add(0.25, 1);
  const auto e = *bootstrap(groups(10, 1))(same);
  CHECK((e.value == 0.25 && e.low == 0.25 && e.high == 0.25));
  const auto mean = some_values(20);
  const auto narrow = *bootstrap(groups(20, 1), {.replicates = 400, .level = 0.5})(mean), wide = *bootstrap(groups(20, 1), {.replicates = 400})(mean);
  CHECK((wide.low < narrow.low && narrow.high < wide.high));
}

TEST_CASE("what no drawn image defines is left out") {
  ratio_of_sums lesions;  // one image has lesions, two of three
  lesions.add(2, 3), lesions.add(0, 0), lesions.add(0, 0);
  const auto e = *bootstrap(groups(3, 1))(lesions);
  CHECK((e.value == doctest::Approx(2.0 / 3) && e.low == e.value && e.high == e.value));
  ratio_of_sums none;
  none.add(0, 0);
  CHECK_FALSE(bootstrap(groups(1, 1))(none));
  CHECK_THROWS_AS(bootstrap({}), error);
  CHECK_THROWS_AS(bootstrap({0, -1}), error);
  CHECK_THROWS_AS(bootstrap({0, 0, 2}), error);
  CHECK_THROWS_AS(bootstrap({101, 101, 205}), error);
  CHECK_THROWS_AS(bootstrap({0, 0}, {.replicates = std::numeric_limits<std::int64_t>::max()}), error);
  CHECK_THROWS_AS(bootstrap({0}, {.replicates = 0}), error);
  CHECK_THROWS_AS(bootstrap({0}, {.level = 1}), error);
  CHECK_THROWS_AS(quantile({}, 0.5), error);
}

TEST_CASE("the signed-rank test by hand") {
  const auto none = wilcoxon_signed_rank({0, 0});
  CHECK((none.pairs == 0 && none.p == 1));
  const auto three = wilcoxon_signed_rank({0.1, 0.2, 0, 0.3});
  CHECK((three.pairs == 3 && three.positive == 6 && three.p == doctest::Approx(0.25)));
  // Signs of equal differences: the distribution of the number of heads.
  CHECK(wilcoxon_signed_rank({1, 1, 1, 1, -1}).p == doctest::Approx(2 * 6.0 / 32));
  CHECK(wilcoxon_signed_rank({1, -1}).p == 1);
  CHECK_THROWS_AS(wilcoxon_signed_rank({1, std::nan("")}), error);
}

TEST_CASE("exact and normal p agree where there are many pairs, and do not depend on order or direction") {
  std::vector<double> d;
  for (std::size_t i = 0; i < 50; ++i) d.push_back(random_stream{8, 1}.normal(i) + 0.25);
  const auto exact = wilcoxon_signed_rank(d);
  auto reversed = d;
  std::reverse(reversed.begin(), reversed.end());
  for (double& x : reversed) x = -x;
  CHECK(wilcoxon_signed_rank(reversed).p == exact.p);
  CHECK(exact.exact);
  const double n = 50, mean = n * (n + 1) / 4, deviation = std::sqrt(n * (n + 1) * (2 * n + 1) / 24);
  CHECK(exact.p == doctest::Approx(std::erfc(std::abs(exact.positive - mean) / deviation / std::sqrt(2.0))).epsilon(0.05));
}

TEST_CASE("the signed-rank test equals SciPy's: exact, exact with ties, normal with ties and zeros") {
  const auto file = test::goldens("metrics");
  int cases = 0;
  for (; file.contains("wilcoxon." + std::to_string(cases) + "/differences"); ++cases) {
    CAPTURE(cases);
    const std::string name = "wilcoxon." + std::to_string(cases);
    const auto d = numbers(file, name + "/differences");
    const auto want = numbers(file, name + "/result");
    const auto got = wilcoxon_signed_rank(d);
    const auto n = static_cast<double>(got.pairs);
    CHECK(std::min(got.positive, n * (n + 1) / 2 - got.positive) == doctest::Approx(want[0]));
    CHECK(got.p == doctest::Approx(want[1]).epsilon(1e-10));
    CHECK(got.exact == (got.pairs <= wilcoxon_exact_pairs));
  }
  CHECK(cases == 8);
}

TEST_CASE("zeros do not count among the pairs for which p is exact") {
  std::vector<double> d;
  for (int i = 1; i <= 50; ++i) d.push_back(i % 3 ? i : -i);
  const auto want = wilcoxon_signed_rank(d);
  d.insert(d.end(), 5, 0.0);
  const auto got = wilcoxon_signed_rank(d);
  CHECK((want.exact && got.exact && got.pairs == 50 && got.p == want.p));
  d.push_back(51);
  CHECK_FALSE(wilcoxon_signed_rank(d).exact);
}

TEST_CASE("differences of groups' means that are equal but for rounding are ties, and zeros") {
  // Lesions found of 3, by either network: four groups differ by 1/3, one by −1/3, and in doubles 3/3 − 2/3 is not 1/3 − 0. The last has two images
  // whose sums of tenths are equal.
  ratio_of_sums first, second;
  std::vector<std::int32_t> group;
  const auto add = [&](std::int32_t g, double a, double b, double lesions) { group.push_back(g), first.add(a, lesions), second.add(b, lesions); };
  add(0, 2, 3, 3), add(1, 0, 1, 3), add(2, 1, 2, 3), add(3, 2, 3, 3), add(4, 3, 2, 3);
  add(5, 0.1, 0.3, 1), add(5, 0.2, 0, 1);
  const auto of = [](const ratio_of_sums& sums) {
    return figure{"detection.sensitivity", stratum::all, sums, std::make_shared<const ratio_of_sums>(sums)};
  };
  const auto got = compare(of(first), of(second), group, bootstrap(group, {.replicates = 10}));
  REQUIRE((got && got->test));
  CHECK(got->test->pairs == 5);
  CHECK(got->test->p == 0.375);
}

TEST_CASE("an interval has NumPy's bits, replicate by replicate, and is SciPy's within the spread of both") {
  const auto file = test::goldens("metrics");
  const auto values = numbers(file, "bootstrap/values");
  ratio_of_sums mean;
  for (const double v : values) mean.add(v, 1);
  const auto group = file.at("bootstrap/group").as<std::int32_t>();
  const auto of_groups = *bootstrap(group, {.replicates = 300, .level = 0.95, .seed = 5})(mean);
  const auto numpy = numbers(file, "bootstrap/interval");
  CHECK(of_groups.low == doctest::Approx(numpy[0]).epsilon(1e-12));
  CHECK(of_groups.high == doctest::Approx(numpy[1]).epsilon(1e-12));
  std::vector<std::int32_t> alone(values.size());
  for (std::size_t i = 0; i < alone.size(); ++i) alone[i] = static_cast<std::int32_t>(i);
  const auto of_images = *bootstrap(alone, {.replicates = 20000, .level = 0.95, .seed = 1})(mean);
  const auto scipy = numbers(file, "bootstrap/scipy");
  CHECK(std::abs(of_images.low - scipy[0]) < 0.02 * (scipy[1] - scipy[0]));
  CHECK(std::abs(of_images.high - scipy[1]) < 0.02 * (scipy[1] - scipy[0]));
}
