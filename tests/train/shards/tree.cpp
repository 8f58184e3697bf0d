// The sum over shards: the tree's order, and the same bits for any number of ranks.
#include <dcs/core/philox.hpp>
#include <dcs/train/communicator/threads.hpp>
#include <dcs/train/shards/tree.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>

using namespace dcs;

namespace {

// Elements of shard s, of magnitudes so different that the order of additions shows.
std::vector<float> elements(std::int64_t s, std::int64_t count) {
  std::vector<float> v;
  const random_stream r{3, static_cast<std::uint64_t>(s)};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<std::uint64_t>(i);
    v.push_back((r.uniform(2 * k) - 0.5f) * std::exp2(20 * r.uniform(2 * k + 1)));
  }
  return v;
}
std::vector<float> summed(any_communicator c, std::int64_t shards, std::int64_t count) {
  std::vector<std::vector<float>> own;
  const index_range mine = part_of(shards, c.size(), c.rank());
  for (std::int64_t s = mine.first; s < mine.last; ++s) own.push_back(elements(s, count));
  return tree_sum(c, shards, std::move(own), count);
}

}  // namespace

TEST_CASE("parts cover everything once, and differ by one at most") {
  for (std::int64_t n : {0, 1, 5, 8, 17})
    for (std::int64_t parts : {1, 2, 3, 7}) {
      std::int64_t next = 0;
      for (std::int64_t i = 0; i < parts; ++i) {
        const index_range p = part_of(n, parts, i);
        CHECK(p.first == next);
        CHECK((p.size() == n / parts || p.size() == (n + parts - 1) / parts));
        next = p.last;
      }
      CHECK(next == n);
    }
}

TEST_CASE("the tree adds halves before wholes") {
  std::vector<std::string> v{"a", "b", "c", "d", "e"};
  combine_tree({0, 5}, [&](std::int64_t a, std::int64_t b) {
    v[static_cast<std::size_t>(a)] = "(" + v[static_cast<std::size_t>(a)] + v[static_cast<std::size_t>(b)] + ")";
  });
  CHECK(v[0] == "((ab)(c(de)))");
}

TEST_CASE("a sum over shards has the same bits for any number of ranks") {
  constexpr std::int64_t count = 1001;
  for (std::int64_t shards : {1, 2, 3, 5, 8, 12}) {
    CAPTURE(shards);
    const auto alone = summed(serial{}, shards, count);
    double error = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      double exact = 0, magnitude = 0;
      for (std::int64_t s = 0; s < shards; ++s) {
        const double x = static_cast<double>(elements(s, count)[static_cast<std::size_t>(i)]);
        exact += x, magnitude += std::abs(x);
      }
      error = std::max(error, std::abs(static_cast<double>(alone[static_cast<std::size_t>(i)]) - exact) / magnitude);
    }
    CHECK(error < 1e-6);
    for (int ranks : {2, 3, 4, 7}) {
      std::atomic<int> same = 0;
      on_threads(ranks, [&](thread_communicator c) { same += summed(c, shards, count) == alone; });
      CAPTURE(ranks);
      CHECK(same == ranks);
    }
  }
}

TEST_CASE("the transport's own order is another: the test above can fail") {
  std::vector<float> tree = summed(serial{}, 12, 1001), line(1001);
  for (std::int64_t s = 0; s < 12; ++s) {
    const auto e = elements(s, 1001);
    for (std::size_t i = 0; i < e.size(); ++i) line[i] += e[i];
  }
  CHECK(tree != line);
}

TEST_CASE("shards of another number or size than the sum's are refused") {
  serial alone;
  CHECK_THROWS_WITH(tree_sum(alone, 2, std::vector<std::vector<float>>(1), 0), "dcs::tree_sum: elements of 1 shards; expected 2");
  CHECK_THROWS_WITH(tree_sum(alone, 1, std::vector<std::vector<float>>(1), 3), "dcs::tree_sum: a shard of 0 elements; expected 3");
}
