// The host as a GPU: memory, copies, and its errors for kernels that are broken on purpose. A tile of a matrix is transposed in shared memory, as in
// a kernel of the library; each variant has one of the errors that a GPU may not show for a long time.
#include <dcs/cuda/device.hpp>
#include <dcs/cuda/epilogue.cuh>

#include "said.hpp"

using namespace dcs;
using namespace dcs::cuda;
using kernel_test::said_of;
using kernel_test::says;

namespace {

enum class mistake { none, no_barrier, past_the_tile, little_shared_memory, same_place, no_wait };

// y = xᵀ for x of side × side, side a multiple of 4, in tiles of 4 × 4 that arrive by asynchronous copies of 16 bytes, two tiles in flight.
template <mistake Made, class T>
struct transpose_kernel {
  static constexpr const char* name = "transpose";
  static constexpr int threads = 32;
  static constexpr int tile = 4;
  device_span<const T> x;
  device_span<T> y;
  std::int64_t side;

  std::int64_t blocks() const { return side / tile; }
  static constexpr std::int64_t shared_bytes() {
    return static_cast<std::int64_t>(sizeof(T)) * tile * tile * (Made == mistake::little_shared_memory ? 1 : 2);
  }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto in = b.global(x, "x");
    const auto out = b.global(y, "y");
    const auto tiles = b.template shared<T>(2 * tile * tile, "tiles");
    const std::int64_t row = b.block() * tile, count = side / tile;
    const auto fetch = [&](std::int64_t t) {
      constexpr int some = packet_size<T>;
      for (int j = 0; j < tile && b.thread() < tile; j += some)
        b.template copy_async<some>(tiles, (t % 2 * tile + b.thread()) * tile + j, in, (row + b.thread()) * side + t * tile + j);
      b.commit_copies();
    };
    fetch(0);
    for (std::int64_t t = 0; t < count; ++t) {
      if (t + 1 < count) fetch(t + 1);
      if constexpr (Made != mistake::no_wait) {
        if (t + 1 < count)
          b.template wait_copies<1>();
        else
          b.template wait_copies<0>();
      }
      if constexpr (Made != mistake::no_barrier) b.barrier();
      if (b.thread() < tile * tile) {
        const int i = b.thread() / tile, j = b.thread() % tile;
        const int from = j + (Made == mistake::past_the_tile ? 1 : 0);
        const T v = tiles.read((t % 2 * tile + from) * tile + i);
        const int to = Made == mistake::same_place ? 0 : j;
        out.write((t * tile + i) * side + row + to, v);
      }
      b.barrier();
    }
  }
};

constexpr std::int64_t side = 12;

// The host's error message for a launch; "" without an error.
template <mistake Made, class T>
std::string verdict_in(std::uint64_t seed) {
  std::vector<T> x(side * side), y(side * side);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i);
  try {
    emulate(transpose_kernel<Made, T>{{x.data(), side * side}, {y.data(), side * side}, side}, {seed, true});
  } catch (const error& e) {
    return e.what();
  }
  for (std::size_t i = 0; i < side; ++i)
    for (std::size_t j = 0; j < side; ++j)
      if (y[i * side + j] != x[j * side + i]) return "wrong result";
  return "";
}
// In float and in double, in twenty orders of threads.
template <mistake Made, class Check>
void in_every_order(const Check& check) {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const auto& said : {verdict_in<Made, float>(seed), verdict_in<Made, double>(seed)}) {
      CAPTURE(seed);
      CAPTURE(said);
      CHECK(check(said));
    }
}

struct large_kernel {
  static constexpr const char* name = "large";
  static constexpr int threads = 32;
  std::int64_t bytes;
  std::int64_t blocks() const { return 1; }
  std::int64_t shared_bytes() const { return bytes; }
  void operator()(emulated_block&) const {}
};

// Records the order in which threads and blocks run.
struct order_kernel {
  static constexpr const char* name = "order";
  static constexpr int threads = 32;
  device_span<int> next, places;
  std::int64_t blocks() const { return ceil_div(places.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }
  void operator()(emulated_block& b) const { b.global(places, "places").write(b.index(), b.atomic_add(b.global(next, "next"), 0, 1)); }
};
std::vector<int> order_of_launch() {
  int next = 0;
  std::vector<int> places(128);
  launch(emulated{}, order_kernel{{&next, 1}, {places.data(), 128}});
  return places;
}

struct product_kernel {
  static constexpr const char* name = "product";
  static constexpr int threads = 32;
  device_span<const double> a, b;
  device_span<double> c;
  int way;
  std::int64_t blocks() const { return 1; }
  static constexpr std::int64_t shared_bytes() { return 8 * 16 * 24; }
  void operator()(emulated_block& blk) const {
    const auto sa = blk.shared<double>(16 * 16, "a"), sb = blk.shared<double>(16 * 8, "b");
    const bool turned = way != 0;
    for (int i = blk.thread(); i < 256; i += 32) sa.write(turned ? i % 16 * 16 + i / 16 : i, blk.global(a, "a").read(i));
    for (int i = blk.thread(); i < 128; i += 32) sb.write(turned ? i : i % 8 * 16 + i / 8, blk.global(b, "b").read(i));
    blk.barrier();
    emulated_block::fragment_c<double> sum;
    blk.mma(sum, turned ? blk.load_a_transposed<double>(sa, 0, 0, 16) : blk.load_a<double>(sa, 0, 0, 16),
            turned ? blk.load_b_transposed<double>(sb, 0, 0, 8) : blk.load_b<double>(sb, 0, 0, 16));
    const auto out = blk.global(c, "c");
    for (int e = 0; e < 4; ++e) out.write((blk.lane() / 4 + 8 * (e / 2)) * 8 + 2 * (blk.lane() % 4) + e % 2, sum.x[e]);
  }
};

}  // namespace

TEST_CASE("a correct kernel passes in every order, with the same result") {
  in_every_order<mistake::none>([](const auto& said) { return said == ""; });
}
TEST_CASE("a barrier removed is caught in every order") {
  in_every_order<mistake::no_barrier>(
      [](const auto& said) { return says(said, "no barrier between") || says(said, "before the wait") || says(said, "was not written"); });
}
TEST_CASE("an index one past the tile is caught in every order") {
  in_every_order<mistake::past_the_tile>([](const auto& said) { return says(said, "of tiles, which") || says(said, "before the wait"); });
}
TEST_CASE("shared memory that is too small is caught in every order") {
  in_every_order<mistake::little_shared_memory>([](const auto& said) {
    return says(said, "kernel transpose: shared memory: tiles ends at byte 128, the launch has 64") ||
           says(said, "ends at byte 256, the launch has 128");
  });
}
TEST_CASE("two threads that write one place are caught in every order") {
  in_every_order<mistake::same_place>([](const auto& said) { return says(said, "writes element") && says(said, "wrote with no barrier between"); });
}
TEST_CASE("a wait removed is caught in every order") {
  in_every_order<mistake::no_wait>([](const auto& said) { return says(said, "before the wait for the copy to it"); });
}

TEST_CASE("launches differ in their order, which a seed reproduces") {
  auto& seed = emulated::options().seed;
  const auto before = seed;
  std::vector<std::vector<int>> orders;
  for (const std::uint64_t s : {5u, 6u, 5u}) {
    seed = s;
    for (int i = 0; i < 3; ++i) orders.push_back(order_of_launch());
  }
  seed = before;
  for (std::size_t i = 0; i < orders.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) CHECK((orders[i] == orders[k]) == (i == k + 6));
  for (auto& o : orders) {
    std::sort(o.begin(), o.end());
    for (int i = 0; i < 128; ++i) CHECK(o[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE("further errors of kernels and their messages") {
  std::vector<float> memory(64);
  const device_span<float> span{memory.data(), 64};
  CHECK(says(said_of([&](auto& b) { b.global(span, "memory").write(b.thread() + 1, 0); }), "is at element 64 of memory, which has 64"));
  CHECK(says(said_of([&](auto& b) { b.global(span, "memory").write(b.thread(), 0); }), "in the same launch"));  // two blocks
  CHECK(says(said_of([&](auto& b) {
               if (b.thread() < 40) b.barrier();
             }),
             "waits at a barrier that not every thread reaches"));
  CHECK(says(said_of([&](auto& b) {
               if (b.lane() < 16) warp_sum(b, 1.0f);
             }),
             "warp's exchange that not every thread reaches"));
  CHECK(says(said_of([&](auto& b) {
               if (b.lane() < 16)
                 b.shuffle(1.0f, 0);
               else
                 b.shuffle_xor(1.0f, 1);
             }),
             "different exchanges"));
  CHECK(says(said_of([&](auto& b) { b.global(span, "memory").template read<4>(b.thread() < 4 ? 2 : 0); }), "at once"));
  CHECK(says(said_of([&](auto& b) { b.template shared<float>(64, "s").read(b.thread()); }), "was not written"));
  CHECK(says(said_of([&](auto& b) {
               auto s = b.template shared<float>(64, "s");
               if (b.thread() < 16) b.template copy_async<4>(s, b.thread() * 4, b.global(span, "memory"), b.thread() * 4);
             }),
             "ends before the wait"));
  // Within one warp, the warp's barrier suffices.
  const auto in_warp = [&](bool wait) {
    return said_of([=](auto& b) {
      auto s = b.template shared<float>(64, "s");
      s.write(b.thread(), 1.0f);
      if (wait) b.warp_barrier();
      s.read(b.thread() ^ 1);
    });
  };
  CHECK(in_warp(true) == "");
  CHECK(in_warp(false) != "");
}

TEST_CASE("products of fragments equal a matrix product, in double") {
  std::vector<double> a(16 * 16), b(16 * 8), c(16 * 8), w(16 * 8);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<double>(i % 7) - 3;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<double>(i % 5) - 2;
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 8; ++j)
      for (std::size_t k = 0; k < 16; ++k) w[i * 8 + j] += a[i * 16 + k] * b[k * 8 + j];
  for (int way : {0, 1}) {
    std::fill(c.begin(), c.end(), 0.0);
    emulate(product_kernel{{a.data(), 256}, {b.data(), 128}, {c.data(), 128}, way});
    CHECK(c == w);
  }
}

TEST_CASE("fragments whose rows do not begin where a GPU can load them are errors") {
  const auto said = [](auto t, std::int64_t column, std::int64_t stride, bool turned) {
    using T = decltype(t);
    return said_of([=](auto& b) {
      const auto tile = b.template shared<T>(16 * stride + 16, "tile");
      for (std::int64_t i = b.thread(); i < tile.size(); i += b.threads()) tile.write(i, 1);
      b.barrier();
      if (turned)
        b.template load_a_transposed<T>(tile, 0, column, stride), b.template load_b_transposed<T>(tile, 0, column, stride);
      else
        b.template load_a<T>(tile, 0, column, stride), b.template load_b<T>(tile, 0, column, stride);
    });
  };
  for (const bool turned : {false, true}) {
    CHECK(said(bf16{}, 0, 24, turned) == "");
    CHECK(said(bf16{}, 8, 24, turned) == "");
    CHECK(says(said(bf16{}, 4, 24, turned), "element 4 of tile, rows 24 elements apart: rows must begin at multiples of 16 bytes"));
    CHECK(says(said(bf16{}, 0, 20, turned), "multiples of 16 bytes"));
  }
  CHECK(said(float{}, 0, 14, false) == "");
  CHECK(says(said(float{}, 1, 14, false), "multiples of 8 bytes"));
  CHECK(says(said(float{}, 0, 13, false), "multiples of 8 bytes"));
  CHECK(said(float{}, 1, 13, true) == "");
}

TEST_CASE("more shared memory than any GPU has is an error, with the kernel's name and both numbers") {
  emulate(large_kernel{227 << 10});
  CHECK_THROWS_WITH_AS(emulate(large_kernel{(227 << 10) + 16}), "dcs::cuda: kernel large: 232464 bytes of shared memory; expected at most 232448",
                       error);
}

TEST_CASE("a divisor that is not positive, and a residual whose rows are apart, are errors") {
  CHECK_THROWS_WITH_AS(divider(0), "dcs::cuda::divider: divisor 0; expected at least 1", error);
  CHECK_THROWS_WITH_AS(divider(-3), doctest::Contains("divisor -3"), error);
  std::int64_t n = 17;
  CHECK(divider(5).split(n) == 2);
  CHECK(n == 3);
  std::vector<float> y(16), residual(16, 1.0f);
  CHECK_THROWS_WITH_AS(finish(emulated{}, 2, 8, cpu::epilogue<float>{nullptr, nullptr, residual.data(), 9, false}, y.data()),
                       "dcs::cuda: rows of the residual are 9 elements apart; expected the 8 channels", error);
  finish(emulated{}, 2, 8, cpu::epilogue<float>{nullptr, nullptr, residual.data(), 8, false}, y.data());
  CHECK(y == residual);
}
