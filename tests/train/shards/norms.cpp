// Norms over the shards of a batch: the numbers that meet, shards that leave out the end of the network, and errors.
#include <dcs/core/philox.hpp>
#include <dcs/train/communicator/threads.hpp>
#include <dcs/train/shards/norms.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <functional>

using namespace dcs;

namespace {

constexpr std::int64_t channels = 2;

// Row r of a shard's input to norm `number`, channel c.
double input(std::int64_t shard, std::int64_t number, std::int64_t r, std::int64_t c) {
  return 10 * static_cast<double>(random_stream{7, static_cast<std::uint64_t>(shard)}
                                      .child(static_cast<std::uint64_t>(number))
                                      .uniform(static_cast<std::uint64_t>(channels * r + c)));
}
std::int64_t rows_of(std::int64_t shard) { return 3 + shard; }

struct moments {
  double rows = 0, mean[channels] = {}, variance[channels] = {};
  bool operator==(const moments&) const = default;
};
moments of_rows(const std::vector<std::int64_t>& shards, std::int64_t number) {
  moments m;
  for (std::int64_t c = 0; c < channels; ++c) {
    std::vector<double> x;
    for (const std::int64_t s : shards)
      for (std::int64_t r = 0; r < rows_of(s); ++r) x.push_back(input(s, number, r, c));
    double sum = 0, squares = 0;
    for (const double v : x) sum += v;
    for (const double v : x) squares += (v - sum / static_cast<double>(x.size())) * (v - sum / static_cast<double>(x.size()));
    m.rows = static_cast<double>(x.size()), m.mean[c] = sum / m.rows, m.variance[c] = squares / m.rows;
  }
  return m;
}

// Runs a function of each shard of a rank on threads, as a step does; returns its error.
std::string meet(any_communicator c, std::int64_t shards, const std::function<void(norm_exchange&, std::int64_t)>& f) {
  norm_meeting meeting(c, shards);
  const index_range mine = part_of(shards, c.size(), c.rank());
  std::vector<std::thread> threads;
  std::vector<std::string> errors(static_cast<std::size_t>(mine.size()));
  for (std::int64_t i = 0; i < mine.size(); ++i)
    threads.emplace_back([&, i] {
      norm_meeting::member m(meeting, i);
      bool failed = false;
      try {
        f(m, mine.first + i);
      } catch (const error& e) {
        errors[static_cast<std::size_t>(i)] = e.what(), failed = true;
      }
      m.end(failed);
    });
  std::string why;
  try {
    meeting.serve();
  } catch (const error& e) {
    why = e.what();
  }
  for (auto& t : threads) t.join();
  for (const auto& e : errors)
    if (why.empty()) why = e;
  return why;
}

// What shard s gets of its norms forward, then backward: Σ 1 and Σ s + 1 over the shards that were at the norm.
struct passes {
  std::vector<moments> forward;
  std::vector<std::array<double, 3>> backward;
  bool operator==(const passes&) const = default;
};
passes pass(norm_exchange& e, std::int64_t s, std::int64_t norms) {
  passes p;
  for (std::int64_t n = 0; n < norms; ++n) {
    moments m = of_rows({s}, n);
    const std::int64_t number = e.next();
    m.rows = static_cast<double>(e.moments(number, rows_of(s), channels, m.mean, m.variance));
    p.forward.push_back(m);
  }
  for (std::int64_t n = norms - 1; n >= 0; --n) {
    double sums[4] = {1, 1, static_cast<double>(s + 1), 0};
    const auto rows = static_cast<double>(e.sums(n, rows_of(s), 2, sums));
    p.backward.push_back({rows, sums[0], sums[2]});
  }
  return p;
}
void check_near(const moments& found, const moments& expected) {
  CHECK(found.rows == expected.rows);
  for (std::size_t c = 0; c < channels; ++c) {
    CHECK(std::abs(found.mean[c] - expected.mean[c]) < 1e-12);
    CHECK(std::abs(found.variance[c] - expected.variance[c]) < 1e-12);
  }
}

}  // namespace

TEST_CASE("a norm has the moments of all shards that come to it, to the same bits in any number of processes") {
  // Shards 1 and 4 leave out the last two of three norms.
  const auto norms_of = [](std::int64_t s) -> std::int64_t { return s % 3 == 1 ? 1 : 3; };
  constexpr std::int64_t shards = 5;
  std::vector<passes> alone(shards);
  CHECK(meet(serial{}, shards, [&](norm_exchange& e, std::int64_t s) { alone[static_cast<std::size_t>(s)] = pass(e, s, norms_of(s)); }) == "");
  for (std::int64_t s = 0; s < shards; ++s) {
    const passes& p = alone[static_cast<std::size_t>(s)];
    check_near(p.forward[0], of_rows({0, 1, 2, 3, 4}, 0));
    CHECK(p.backward.back() == std::array<double, 3>{25, 5, 15});
    if (norms_of(s) == 1) continue;
    check_near(p.forward[2], of_rows({0, 2, 3}, 2));
    CHECK(p.backward.front() == std::array<double, 3>{14, 3, 8});
  }
  for (const int ranks : {2, 3, 7}) {
    std::vector<passes> found(shards);
    on_threads(ranks, [&](thread_communicator c) {
      expect(meet(c, shards, [&](norm_exchange& e, std::int64_t s) { found[static_cast<std::size_t>(s)] = pass(e, s, norms_of(s)); }).empty(),
             "failed");
    });
    CAPTURE(ranks);
    CHECK((found == alone));
  }
}

TEST_CASE("shards that come to different norms are an error, and nobody waits for a shard that has failed") {
  const auto different = meet(serial{}, 3, [](norm_exchange& e, std::int64_t s) {
    std::vector<double> m(8), v(8);
    (void)e.moments(e.next(), 4, s == 1 ? 8 : 4, m.data(), v.data());
  });
  CHECK(different.find("shards of one batch come to norms of different channels") != std::string::npos);
  std::atomic<int> told = 0;
  const auto failed = meet(serial{}, 3, [&](norm_exchange& e, std::int64_t s) {
    expect(s != 1, "no memory");
    double m[2] = {}, v[2] = {};
    try {
      (void)e.moments(e.next(), 4, 2, m, v);
    } catch (const error&) {
      ++told;
    }
  });
  CHECK(failed == "no memory");
  CHECK(told == 2);
}
