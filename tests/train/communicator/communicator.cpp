// Communicators: what every operation delivers, under serial, threads and any_communicator; what happens where one rank fails.
#include <dcs/train/communicator/threads.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>

using namespace dcs;

namespace {

// r + 1 numbers that rank r alone has.
std::vector<int> numbers_of(int r) {
  std::vector<int> n(static_cast<std::size_t>(r) + 1);
  std::iota(n.begin(), n.end(), 100 * r);
  return n;
}
std::int64_t bytes(std::size_t ints) { return static_cast<std::int64_t>(ints * sizeof(int)); }

// Every operation once. Failures are counted, as doctest's checks are not for threads that have just begun.
template <communicator C>
int wrong_results(C c) {
  int wrong = 0;
  int value = c.rank() == c.size() - 1 ? 42 : 0;
  c.broadcast(&value, sizeof value, c.size() - 1);
  wrong += value != 42;

  const auto all = gathered(c, numbers_of(c.rank()));
  wrong += all.size() != static_cast<std::size_t>(c.size());
  for (int r = 0; r < c.size(); ++r) wrong += all[static_cast<std::size_t>(r)] != numbers_of(r);

  // Rank a sends b + 1 numbers to rank b, all of them 10 a + b.
  std::vector<int> send, expected;
  std::vector<std::int64_t> to, from;
  for (int r = 0; r < c.size(); ++r) {
    send.insert(send.end(), static_cast<std::size_t>(r) + 1, 10 * c.rank() + r);
    expected.insert(expected.end(), static_cast<std::size_t>(c.rank()) + 1, 10 * r + c.rank());
    to.push_back(bytes(static_cast<std::size_t>(r) + 1)), from.push_back(bytes(static_cast<std::size_t>(c.rank()) + 1));
  }
  std::vector<int> received(expected.size());
  c.all_to_all(send.data(), to, received.data(), from);
  wrong += received != expected;

  float f[2] = {1, static_cast<float>(c.rank())};
  double d = 0.5;
  c.all_reduce(f, 2), c.all_reduce(&d, 1);
  wrong += f[0] != static_cast<float>(c.size()) || f[1] != static_cast<float>(c.size() * (c.size() - 1) / 2) || d != 0.5 * c.size();
  c.barrier();
  return wrong;
}

template <class F>
std::string message(const F& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("serial is a group of one") {
  CHECK(wrong_results(serial{}) == 0);
  CHECK(wrong_results(any_communicator{}) == 0);
}

TEST_CASE("threads are ranks") {
  for (int n : {1, 2, 3, 5}) {
    std::atomic<int> wrong = 0, ranks = 0;
    on_threads(n, [&](thread_communicator c) {
      ranks += c.rank() + 1;
      wrong += c.size() != n;
      for (int k = 0; k < 20; ++k) wrong += wrong_results(c) + wrong_results(any_communicator(c));
    });
    CAPTURE(n);
    CHECK(wrong == 0);
    CHECK(ranks == n * (n + 1) / 2);
  }
}

TEST_CASE("a rank that throws ends the work of the others, and its error is the group's") {
  std::atomic<int> told = 0;
  const auto m = message([&] {
    on_threads(3, [&](thread_communicator c) {
      c.barrier();
      if (c.rank() == 1) fail("the disk is full");
      const auto theirs = message([&] { c.barrier(); });
      told += theirs == "process 1 of 3: the disk is full";
      fail(theirs);
    });
  });
  CHECK(m == "the disk is full");
  CHECK(told == 2);
}

TEST_CASE("what fails in one rank before the work begins is every rank's error") {
  std::atomic<int> told = 0;
  on_threads(3, [&](thread_communicator c) {
    const auto m = message([&] { in_agreement(c, [&] { expect(c.rank() == 0, "no such file on this machine"); }); });
    told += m == "process 1 of 3: no such file on this machine";
    in_agreement(c, [] {});
  });
  CHECK(told == 3);
  serial alone;
  CHECK(message([&] { in_agreement(alone, [] { fail("as it is"); }); }) == "as it is");
}
