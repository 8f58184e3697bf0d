// Memory of a capture: blocks are disjoint, released ones are reused, neighbouring gaps join.
#include <dcs/core/philox.hpp>
#include <dcs/cuda/captured_memory.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace dcs;
using cuda::captured_memory;

namespace {

// Chunks that are mere addresses, some of them adjacent.
struct chunks {
  std::int64_t next = 1 << 20, given = 0;
  std::vector<std::int64_t> lengths;
  void* operator()(std::int64_t bytes) {
    const std::int64_t at = next;
    next += bytes + (lengths.size() % 2 == 0 ? 0 : 1 << 20);
    lengths.push_back(bytes), given += bytes;
    return reinterpret_cast<void*>(at);
  }
};
std::int64_t number(const void* p) { return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p)); }

}  // namespace

TEST_CASE("blocks are aligned, disjoint and within a chunk after any sequence of releases; after the last one every chunk is one gap") {
  constexpr std::int64_t chunk = captured_memory::chunk;
  chunks from;
  captured_memory memory(std::ref(from));
  struct taken {
    std::int64_t begin, end;
  };
  std::vector<taken> all;
  const random_stream r{3, 3};
  for (std::uint64_t k = 0; k < 4000; ++k) {
    if (r.below(3 * k, 5) < 3 || all.empty()) {
      const std::int64_t bytes = 1 + (chunk >> r.below(3 * k + 1, 24)) + r.below(3 * k + 2, 1000);
      const std::int64_t begin = number(memory.allocate(bytes)), end = begin + bytes;
      CHECK(begin % captured_memory::alignment == 0);
      bool apart = true;
      for (const auto& o : all) apart = apart && (end <= o.begin || o.end <= begin);
      CHECK(apart);
      CHECK(memory.has(reinterpret_cast<void*>(begin)));
      CHECK(memory.has(reinterpret_cast<void*>(end - 1)));
      all.push_back({begin, end});
    } else {
      const std::size_t i = r.below(3 * k + 1, static_cast<std::uint32_t>(all.size()));
      memory.release(reinterpret_cast<void*>(all[i].begin));
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    }
    CHECK(memory.used() == static_cast<std::int64_t>(all.size()));
    // Large blocks stay few, so that the memory does.
    while (all.size() > 60) memory.release(reinterpret_cast<void*>(all.front().begin)), all.erase(all.begin());
  }
  for (const auto& o : all) memory.release(reinterpret_cast<void*>(o.begin));
  CHECK(memory.used() == 0);
  const auto chunks_before = from.lengths;
  for (const std::int64_t length : chunks_before) (void)memory.allocate(length);
  CHECK(from.lengths == chunks_before);
}

TEST_CASE("the smallest gap that fits is used, and an address outside all chunks is recognised") {
  chunks from;
  captured_memory memory(std::ref(from));
  void* const a = memory.allocate(4000);
  void* const b = memory.allocate(1);
  void* const c = memory.allocate(1000);
  void* const d = memory.allocate(1);
  CHECK(from.lengths.size() == 1);
  memory.release(a), memory.release(c);
  CHECK(memory.allocate(900) == c);
  CHECK(memory.allocate(3000) == a);
  CHECK(number(b) == number(a) + 4096);
  CHECK(memory.has(d));
  CHECK(!memory.has(nullptr));
  CHECK(!memory.has(reinterpret_cast<void*>(number(a) - 1)));
  CHECK(!memory.has(reinterpret_cast<void*>(number(a) + captured_memory::chunk)));
}
