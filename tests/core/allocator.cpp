// The host's allocator: what it counts, what it refuses, and that taking memory back cannot fail.
#include <dcs/core/tensor.hpp>

#include "failing_new.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace dcs;

// AddressSanitizer and ThreadSanitizer end a program that allocates this much, unless they are configured to return null as the C library does.
extern "C" [[gnu::weak]] const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" [[gnu::weak]] const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace {

bool same(const memory_statistics& a, const memory_statistics& b) {
  return a.live_bytes == b.live_bytes && a.peak_bytes == b.peak_bytes && a.allocations == b.allocations;
}

}  // namespace

TEST_CASE("failed allocations are not counted, for any number of bytes") {
  auto& memory = host_allocator::get();
  const auto before = memory.statistics();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t bytes : {most, most - 1, most - 63, (std::int64_t{1} << 62) + 1, std::int64_t{1} << 62, std::int64_t{1} << 60}) {
    CAPTURE(bytes);
    CHECK_THROWS_WITH_AS(memory.allocate(bytes), doctest::Contains("dcs::host_allocator: no memory for "), error);
    CHECK(same(memory.statistics(), before));
  }
  CHECK_THROWS_WITH_AS(memory.allocate(-8), doctest::Contains("-8 bytes; expected 0 or more"), error);
  CHECK_THROWS_AS(memory.allocate(std::numeric_limits<std::int64_t>::min()), error);
  CHECK_THROWS_WITH_AS(scratch<double>(most / 4), doctest::Contains("dcs::scratch: no memory for"), error);
  CHECK_THROWS_AS(storage::allocate<cpu_device>(std::int64_t{1} << 60), error);
  CHECK(memory.allocate(0) == nullptr);
  CHECK(same(memory.statistics(), before));
  // A failed allocation does not affect later ones.
  const auto x = tensor<float, shape<100>>::full(1);
  CHECK(memory.statistics().live_bytes == before.live_bytes + 448);
}

TEST_CASE("freed blocks are reused by size, last first, and keep what is written to them") {
  auto& memory = host_allocator::get();
  memory.release_cache();
  const auto before = memory.statistics().live_bytes;
  for (const std::int64_t bytes : {1, 8, 64, 65, 256, 257, 4097, 1 << 20, (2 << 20) + 1}) {
    CAPTURE(bytes);
    std::vector<void*> blocks;
    for (int i = 0; i < 20; ++i) {
      blocks.push_back(memory.allocate(bytes));
      REQUIRE(reinterpret_cast<std::uintptr_t>(blocks.back()) % 64 == 0);
      std::memset(blocks.back(), i, static_cast<std::size_t>(bytes));
    }
    for (int i = 0; i < 20; ++i) CHECK(static_cast<unsigned char*>(blocks[static_cast<std::size_t>(i)])[bytes - 1] == i);
    for (void* p : blocks) memory.deallocate(p, bytes);
    for (std::size_t i = blocks.size(); i-- > 0;) CHECK(memory.allocate(bytes) == blocks[i]);
    for (void* p : blocks) memory.deallocate(p, bytes);
  }
  CHECK(memory.statistics().live_bytes == before);
  memory.release_cache();
  memory.deallocate(memory.allocate(100), 100);
}

TEST_CASE("deallocation needs no memory") {
  auto& memory = host_allocator::get();
  std::vector<void*> blocks(5000);
  for (void*& p : blocks) p = memory.allocate(192);
  {
    const failing_new::scope first(0);
    for (void* p : blocks) memory.deallocate(p, 192);
    memory.release_cache();
    CHECK(failing_new::made == 0);
  }
}

TEST_CASE("a tensor whose handle cannot be allocated leaks no memory of the device") {
  using S = shape<dyn<"n">, 4>;
  const auto before = host_allocator::get().statistics();
  long n = 0;
  for (bool failed = true; failed; ++n) {
    const failing_new::scope one(n);
    try {
      const auto x = tensor<float, S>::zeros({10, 4});
      failed = false;
    } catch (const std::bad_alloc&) {
    }
  }
  CHECK(n == 2);  // the handle alone is small memory
  CHECK(host_allocator::get().statistics().live_bytes == before.live_bytes);
}

TEST_CASE("threads allocate and free concurrently, each also what another allocated") {
  auto& memory = host_allocator::get();
  const auto before = memory.statistics().live_bytes;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      std::vector<tensor<int, shape<dyn<"n">>>> kept(16);
      for (int i = 0; i < 2000; ++i) {
        auto& x = kept[static_cast<std::size_t>(i % 16)];
        x = tensor<int, shape<dyn<"n">>>::full({1 + i * 7 % 300}, 4 * i + t);
        if (x(x.size() - 1) != 4 * i + t) std::abort();
      }
    });
  for (auto& t : threads) t.join();
  CHECK(memory.statistics().live_bytes == before);
}
