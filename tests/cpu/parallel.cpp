// The pool of threads: values of DCS_THREADS, threads that do not start, and errors of tasks.
#include <dcs/cpu/parallel.hpp>

#include <doctest/doctest.h>

#include <dlfcn.h>

#include <numeric>

using namespace dcs;

namespace {
std::atomic<int> may_start{1 << 20};  // threads that the system lets start, before it refuses
}

// Replaces the C library's function, and fails as it would at a limit on threads.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto original = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
  return may_start.fetch_sub(1) > 0 ? original(thread, attributes, body, argument) : EAGAIN;
}

namespace {

// Whether loops work: every task runs once, and an error is rethrown.
void check_loops() {
  std::vector<int> times(1000, 0);
  cpu::parallel_for(1000, [&](std::int64_t i) { ++times[static_cast<std::size_t>(i)]; });
  CHECK(times == std::vector<int>(1000, 1));
  CHECK_THROWS_WITH_AS(cpu::parallel_for(1000, [](std::int64_t i) { expect(i != 500, "task ", i); }), "task 500", error);
  cpu::parallel_chunks(1000, 7, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i)];
  });
  CHECK(std::accumulate(times.begin(), times.end(), 0) == 2000);
}

}  // namespace

TEST_CASE("DCS_THREADS is a number of threads, or an error that quotes it") {
  const char* const before = std::getenv("DCS_THREADS");
  const std::string kept = before ? before : "";
  for (const char* wrong : {"abc", "0", "-3", "99999999999", "99999999999999999999999", "1025", "4 ", " 4", "+4", "4x", "0x4", "2.0", "1e1"}) {
    CAPTURE(wrong);
    REQUIRE(setenv("DCS_THREADS", wrong, 1) == 0);
    CHECK_THROWS_WITH_AS(cpu::detail::initial_threads(), doctest::Contains(("DCS_THREADS is '" + std::string(wrong) + "'").c_str()), error);
    CHECK_THROWS_WITH_AS(threads(), doctest::Contains("expected a whole number from 1 to 1024"), error);  // there is no pool yet
    CHECK_THROWS_AS(cpu::parallel_for(3, [](std::int64_t) {}), error);
  }
  setenv("DCS_THREADS", "\x1b[2J", 1);
  CHECK_THROWS_WITH_AS(threads(), doctest::Contains("'\\x1b[2J'"), error);
  for (const auto& [text, number] : {std::pair("1", 1), std::pair("7", 7), std::pair("007", 7), std::pair("1024", 1024)}) {
    setenv("DCS_THREADS", text, 1);
    CHECK(cpu::detail::initial_threads() == number);
  }
  setenv("DCS_THREADS", "", 1);
  CHECK(cpu::detail::initial_threads() >= 1);
  unsetenv("DCS_THREADS");
  CHECK(cpu::detail::initial_threads() >= 1);

  // The pool begins with as many as start.
  setenv("DCS_THREADS", "6", 1);
  may_start = 2;
  CHECK(threads() == 3);
  check_loops();
  may_start = 1 << 20;
  if (before)
    setenv("DCS_THREADS", kept.c_str(), 1);
  else
    unsetenv("DCS_THREADS");
}

TEST_CASE("where threads cannot be started, fewer do the work") {
  for (const int allowed : {0, 1, 5, 7, 100}) {
    CAPTURE(allowed);
    may_start = allowed;
    set_threads(8);
    CHECK(threads() == std::min(8, allowed + 1));
    check_loops();
    may_start = 1 << 20;
    set_threads(3);
    CHECK(threads() == 3);
    check_loops();
  }
}

TEST_CASE("invalid numbers of threads are errors, and so is a change from within a task") {
  set_threads(4);
  CHECK_THROWS_WITH_AS(set_threads(0), doctest::Contains("dcs::set_threads: 0 threads"), error);
  CHECK_THROWS_AS(set_threads(-1), error);
  CHECK_THROWS_AS(set_threads(1025), error);
  CHECK_THROWS_WITH_AS(cpu::parallel_for(4, [](std::int64_t) { set_threads(2); }), doctest::Contains("called by a task"), error);
  CHECK(threads() == 4);
  check_loops();
}

TEST_CASE("errors of many tasks and of nested tasks: one is rethrown, and the pool still works") {
  set_threads(4);
  for (int round = 0; round < 200; ++round) {
    CHECK_THROWS_AS(cpu::parallel_for(64, [](std::int64_t i) { fail("task ", i); }), error);
    CHECK_THROWS_AS(cpu::parallel_for(4, [](std::int64_t) { cpu::parallel_for(4, [](std::int64_t i) { expect(i != 3, "inner"); }); }), error);
  }
  check_loops();
}

TEST_CASE("threads of the program may run loops concurrently") {
  set_threads(3);
  std::atomic<std::int64_t> sum{0};
  std::vector<std::thread> own;
  for (int t = 0; t < 4; ++t)
    own.emplace_back([&] {
      for (int k = 0; k < 100; ++k) cpu::parallel_for(10, [&](std::int64_t i) { sum += i; });
    });
  for (auto& t : own) t.join();
  CHECK(sum == 4 * 100 * 45);
}
