// Communicators: what every operation delivers, under serial, threads and any_communicator; what happens where one rank fails.
#include "../../message.hpp"
#include "operations.hpp"

#include <dcs/train/communicator/threads.hpp>

#include <doctest/doctest.h>

#include <atomic>

using namespace dcs;

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
  const auto m = message_of([&] {
    on_threads(3, [&](thread_communicator c) {
      c.barrier();
      if (c.rank() == 1) fail("the disk is full");
      const auto theirs = message_of([&] { c.barrier(); });
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
    const auto m = message_of([&] { in_agreement(c, [&] { expect(c.rank() == 0, "no such file on this machine"); }); });
    told += m == "process 1 of 3: no such file on this machine";
    in_agreement(c, [] {});
  });
  CHECK(told == 3);
  serial alone;
  CHECK(message_of([&] { in_agreement(alone, [] { fail("as it is"); }); }) == "as it is");
}
