// Warnings are counted by kind and file, from any thread.
#include <dcs/core/warning.hpp>

#include <doctest/doctest.h>

#include <thread>

using namespace dcs;

TEST_CASE("warnings: a file counts once for each kind, in the order of kinds, from any thread") {
  auto& log = warning_log::get();
  log.clear();
  std::int64_t calls = 0;
  log.set_handler([&](const warning& w, std::int64_t files) { calls += w.kind == "a" && files >= 1; });
  warn("a", "1.png", "first");
  warn("b", "1.png", "other");
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int k = 1; k <= 50; ++k) warn("a", std::to_string(k) + ".png", "again");
      });
  }
  const auto all = log.entries();
  REQUIRE(all.size() == 2);
  CHECK(all[0].first.kind == "a");
  CHECK(all[0].first.text == "first");
  CHECK(all[0].files == 50);
  CHECK(all[1].files == 1);
  CHECK(calls == 50);
  log.clear();
  CHECK(log.entries().empty());
}
