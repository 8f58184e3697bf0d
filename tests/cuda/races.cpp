// Races that the host finds: threads of one phase at one place through atomics, through spans that are read only, through spans that overlap; and
// kernels with such a mistake.
#include "said.hpp"

#include <algorithm>
#include <vector>

using namespace dcs;
using namespace dcs::cuda;
using kernel_test::said_of;
using kernel_test::says;

namespace {

// Sorts in place by ranks: every element is written to the index that its rank is.
struct rank_kernel {
  static constexpr const char* name = "rank";
  static constexpr int threads = 32;
  device_span<const float> x;
  device_span<float> y;
  bool waits;
  std::int64_t blocks() const { return 1; }
  static constexpr std::int64_t shared_bytes() { return 0; }
  void operator()(emulated_block& b) const {
    const auto in = b.global(x, "x");
    const auto out = b.global(y, "y");
    const float own = in.read(b.thread());
    std::int64_t rank = 0;
    for (int i = 0; i < threads; ++i) rank += in.read(i) < own;
    if (waits) b.barrier();
    out.write(rank, own);
  }
};

// How often each of eight numbers occurs in x: a histogram in shared memory, as the detector's selections use it.
struct histogram_kernel {
  static constexpr const char* name = "histogram";
  static constexpr int threads = 64, bins = 8;
  device_span<const std::int32_t> x;
  device_span<std::int32_t> y;
  bool waits_for_zeros, waits_for_counts;
  std::int64_t blocks() const { return 1; }
  std::int64_t shared_bytes() const { return bins * 4; }
  void operator()(emulated_block& b) const {
    const auto in = b.global(x, "x");
    const auto out = b.global(y, "y");
    const auto counts = b.shared<std::int32_t>(bins, "counts");
    if (b.thread() < bins) counts.write(b.thread(), 0);
    if (waits_for_zeros) b.barrier();
    b.atomic_add(counts, in.read(b.thread()), 1);
    if (waits_for_counts) b.barrier();
    if (b.thread() < bins) out.write(b.thread(), counts.read(b.thread()));
  }
};

}  // namespace

TEST_CASE("atomics beside plain accesses of one place, with no barrier between, are races; atomics alone are none") {
  constexpr const char *race = "with no barrier between", *launch = "in the same launch";
  enum class step { read, write, atomic };
  const auto at = [](auto& b, const auto& a, std::int64_t i, step s) {
    if (s == step::read)
      a.read(i);
    else if (s == step::write)
      a.write(i, 1);
    else
      b.atomic_add(a, i, std::int32_t{1});
  };
  // One thread does the first, then another the second: of its own warp, or of the other.
  const auto shared = [&](step first, step second, int thread, bool barrier) {
    return said_of([=](auto& b) {
      const auto counts = b.template shared<std::int32_t>(64, "counts");
      counts.write(b.thread(), 0);
      b.barrier();
      if (b.thread() == 0) at(b, counts, 5, first);
      if (barrier) b.barrier();
      if (b.thread() == thread) at(b, counts, 5, second);
    });
  };
  for (const step s : {step::read, step::write})
    for (int thread : {1, 40}) {
      CHECK(says(shared(step::atomic, s, thread, false), race));
      CHECK(says(shared(s, step::atomic, thread, false), race));
      CHECK(shared(step::atomic, s, thread, true) == "");
      CHECK(shared(s, step::atomic, thread, true) == "");
    }
  for (int thread : {0, 1, 40}) CHECK(shared(step::atomic, step::atomic, thread, false) == "");
  for (const step s : {step::read, step::write, step::atomic}) CHECK(shared(step::atomic, s, 0, false) == "");  // one thread after itself
  CHECK(says(shared(step::atomic, step::read, 40, false), "of counts, which thread"));
  CHECK(says(said_of([](auto& b) { b.atomic_add(b.template shared<std::int32_t>(1, "counts"), 0, 1); }),
             "adds to element 0 of counts, which was not written"));

  // Every thread counts; then one reads. Blocks have no barrier between them at all.
  std::int32_t count = 0;
  const device_span<std::int32_t> memory{&count, 1};
  const auto global = [&](step s, std::int64_t block) {
    return said_of([=](auto& b) {
      const auto counts = b.global(memory, "counts");
      b.atomic_add(counts, 0, 1);
      b.barrier();
      if (b.thread() == 3 && b.block() == block) at(b, counts, 0, s);
    });
  };
  CHECK(global(step::atomic, 0) == "");
  CHECK(count == 2 * 64 + 1);
  for (std::int64_t block : {0, 1}) {
    CHECK(says(global(step::read, block), launch));
    CHECK(says(global(step::write, block), launch));
  }
}

TEST_CASE("what one thread reads through a const span and another writes, with no barrier between, is a race, whatever spans show it") {
  std::vector<float> values(256);
  const device_span<const float> all{values.data(), 256}, second_half{values.data() + 128, 128};
  const device_span<float> out{values.data(), 256}, middle{values.data() + 64, 128}, first_half{values.data(), 128};
  // Thread `reader` of block 0 reads value 140; thread 7 of block 0 or 1 writes value `to`.
  const auto said = [&](auto from, auto into, int reader, std::int64_t block, std::int64_t to, bool write_first, bool barrier) {
    return said_of([=](auto& b) {
      const auto read = [&] {
        if (b.block() == 0 && b.thread() == reader) b.global(from, "in").read(140 - (from.size == 256 ? 0 : 128));
      };
      const auto write = [&] {
        if (b.block() == block && b.thread() == 7) b.global(into, "out").write(to - (into.size == 256 ? 0 : 64), 1.0f);
      };
      write_first ? write() : read();
      if (barrier) b.barrier();
      write_first ? read() : write();
    });
  };
  for (int reader : {6, 7, 40})
    for (const bool write_first : {false, true}) {
      const auto in_each = [&](std::int64_t block, std::int64_t to, bool barrier, const char* wanted) {
        CAPTURE(reader);
        for (const auto& what :
             {said(all, out, reader, block, to, write_first, barrier), said(second_half, out, reader, block, to, write_first, barrier),
              said(all, middle, reader, block, to, write_first, barrier), said(second_half, middle, reader, block, to, write_first, barrier)}) {
          CAPTURE(what);
          CHECK((*wanted == 0 ? what == "" : says(what, wanted)));
        }
      };
      in_each(0, 140, false, reader == 7 ? "" : "with no barrier between");
      in_each(0, 140, true, "");
      in_each(1, 140, false, "in the same launch");
      in_each(1, 140, true, "in the same launch");
      in_each(0, 141, false, "");
      in_each(1, 141, true, "");
    }
  // Spans that do not overlap are distinguished, and memory accessed as one wide element or as two narrow ones is recognised as the same.
  CHECK(said_of([=](auto& b) {
          b.global(second_half, "in").read(b.thread());
          if (b.block() == 0) b.global(first_half, "out").write(b.thread(), 1.0f);
        }) == "");
  std::vector<std::int64_t> wide(64);
  const device_span<const std::int64_t> keys{wide.data(), 64};
  const device_span<std::int32_t> halves{reinterpret_cast<std::int32_t*>(wide.data()), 128};
  CHECK(says(said_of([=](auto& b) {
               if (b.thread() == 1) b.global(keys, "keys").read(20);
               if (b.thread() == 2) b.global(halves, "halves").write(41, 1);
             }),
             "with no barrier between"));
  // A copy reads until its wait.
  CHECK(says(said_of([=](auto& b) {
               const auto tile = b.template shared<float>(4, "tile");
               if (b.block() == 0 && b.thread() == 0) b.template copy_async<4>(tile, 0, b.global(all, "in"), 8);
               b.commit_copies();
               b.barrier();
               if (b.block() == 0 && b.thread() == 1) b.global(out, "out").write(9, 1.0f);
               b.template wait_copies<0>();
             }),
             "with no barrier between"));
  CHECK(says(said_of([](auto& b) { b.global(device_span<const float>{nullptr, 4}, "nothing").read(0); }), "of memory of 0"));
  // The shift of random numbers is read as all memory is.
  std::uint64_t step = 17;
  const auto shifted = [&](bool writes) {
    return said_of([=, &step](auto& b) {
      random_stream random{1, 2};
      random.shift_at = &step;
      if (with_shift(b, random).bits(5) != random.bits(5)) fail("another number");
      if (writes && b.block() == 0 && b.thread() == 1) b.global(device_span<std::uint64_t>{&step, 1}, "step").write(0, 18);
    });
  };
  CHECK(shifted(false) == "");
  CHECK(says(shifted(true), ", which "));
}

TEST_CASE("who writes where a copy is on its way, or sends another there, is caught, be it the thread that sent it") {
  const std::vector<float> source(8, 1.0f);
  const auto written = [&](int writes, int copies, bool waits) {
    return said_of([=, in = device_span<const float>{source.data(), 8}](auto& b) {
      const auto tile = b.template shared<float>(4, "tile");
      if (b.thread() != 0) return;
      for (int i = 0; i < copies; ++i) b.template copy_async<4>(tile, 0, b.global(in, "in"), 4 * i);
      b.commit_copies();
      if (waits) b.template wait_copies<0>();
      for (int i = 0; i < writes; ++i) tile.write(i, 2.0f);
      b.template wait_copies<0>();
    });
  };
  CHECK(written(0, 1, true) == "");
  CHECK(written(1, 1, true) == "");
  CHECK(says(written(1, 1, false), "writes element 0 of tile before the wait for the copy to it"));
  CHECK(says(written(0, 2, false), "writes element 0 of tile before the wait for the copy to it"));
}

TEST_CASE("a kernel that works in place without its barrier is caught in every order") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto sorted = [&](bool in_place, bool waits) {
      std::vector<float> x(32), other(32);
      for (std::size_t i = 0; i < 32; ++i) x[i] = static_cast<float>(i * 11 % 32);
      auto& y = in_place ? x : other;
      emulate(rank_kernel{{x.data(), 32}, {y.data(), 32}, waits}, {seed, true});
      return std::is_sorted(y.begin(), y.end());
    };
    CHECK(sorted(false, false));
    CHECK(sorted(true, true));
    CHECK_THROWS_WITH_AS(sorted(true, false), doctest::Contains("with no barrier between"), error);
  }
}

TEST_CASE("a histogram without one of its barriers is caught in every order") {
  std::vector<std::int32_t> x(64), y(8);
  for (std::size_t i = 0; i < 64; ++i) x[i] = static_cast<std::int32_t>(i * i % 8);
  const auto run = [&](bool zeros, bool counts, std::uint64_t seed) {
    emulate(histogram_kernel{{x.data(), 64}, {y.data(), 8}, zeros, counts}, {seed, true});
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    run(true, true, seed);
    CHECK(y == std::vector<std::int32_t>{16, 32, 0, 0, 16, 0, 0, 0});
    CHECK_THROWS_AS(run(false, true, seed), error);
    CHECK_THROWS_WITH_AS(run(true, false, seed), doctest::Contains("with no barrier between"), error);
  }
}
