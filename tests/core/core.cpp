#include <dcs/core/operand.hpp>
#include <dcs/core/philox.hpp>
#include <dcs/cpu/parallel.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace dcs;

static_assert(dyn<"roi"> != dyn<"batch"> && dyn<"roi"> < 0 && dyn<"a"> != dyn<"aa">);
static_assert(windowed(224, 7, 2, 3) == 112 && windowed(3, 5, 1, 0) == 0);
static_assert(windowed(windowed(dyn<"h">, 3, 2, 1), 3, 2, 1) == windowed(dyn<"h">, 1, 4, 0));
static_assert(windowed(dyn<"h">, 3, 1, 1) == dyn<"h">);
static_assert(windowed(dyn<"h">, 3, 1, 0) != dyn<"h">);
static_assert(std::is_same_v<broadcast_shape<shape<dyn<"n">, 1, 3>, shape<4, 1>>, shape<dyn<"n">, 4, 3>>);
static_assert(broadcastable<shape<2, 3>, shape<3>> && !broadcastable<shape<2, 3>, shape<2>> && !broadcastable<shape<dyn<"a">>, shape<dyn<"b">>>);
static_assert(std::is_same_v<join_shapes<shape<1, 2>, shape<3>>, shape<1, 2, 3>> && std::is_same_v<with_extent<shape<1, 2>, -1, 7>, shape<1, 7>>);
static_assert(bf16(1.0f + 1.0f / 256).bits == 0x3F80 && bf16(1.0f + 3.0f / 256).bits == 0x3F82);  // ties to even
static_assert(f16(65520.0f).bits == 0x7C00 && float(f16(0.1f)) > 0.0999f && f16(5.9604645e-8f).bits == 1);

TEST_CASE("extents as messages show them") {
  CHECK(to_string(64) == "64");
  CHECK(to_string(dyn<"roi">) == "roi");
  CHECK(to_string(windowed(dyn<"height">, 1, 4, 0)) == "height/4");
  CHECK(to_string(windowed(dyn<"h">, 3, 1, 0)) == "h-2");
}

TEST_CASE("tensors: handles share, clones copy, sizes are checked") {
  using S = shape<dyn<"n">, 2, dyn<"n">>;
  auto t = tensor<float, S>::zeros({3, 2, 3});
  auto u = t;
  u(1, 1, 2) = 5;
  CHECK(t(1, 1, 2) == 5);
  CHECK(t.clone().memory() != t.memory());
  CHECK_THROWS_WITH_AS((tensor<float, S>::zeros({3, 2, 4})), doctest::Contains("axis 2"), error);
  CHECK_THROWS_WITH_AS((tensor<float, S>::zeros({3, 1, 3})), doctest::Contains("[3, 1, 3]"), error);
  CHECK_THROWS_AS((tensor<float, S>::zeros({-1, 2, -1})), error);
  const auto fixed = as<shape<3, 2, 3>>(t);
  static_assert(std::is_same_v<decltype(fixed), const tensor<float, shape<3, 2, 3>>>);
  CHECK(fixed(1, 1, 2) == 5);
  CHECK_THROWS_AS((as<shape<4, 2, 4>>(t)), error);
  CHECK((tensor<float, S>::zeros({0, 2, 0}).size()) == 0);
  CHECK_THROWS_AS(t.item(), error);
  const auto narrow = cast<bf16>(t);
  CHECK(cast<double>(narrow)(1, 1, 2) == 5);
}

TEST_CASE("views show foreign and strided memory") {
  std::vector<double> memory{1, 2, 3, 4, 5, 6};
  const auto v = as_view<shape<2, 3>>(memory.data(), {2, 3});
  CHECK(v(1, 2) == 6);
  CHECK(v.dense());
  const view<double, shape<3, 2>> turned{memory.data(), {3, 2}, {1, 3}};
  CHECK_FALSE(turned.dense());
  const auto c = copy(turned);
  CHECK(c(2, 1) == 6);
  CHECK(c(1, 0) == 2);
}

TEST_CASE("the allocator reuses freed blocks") {
  { auto warm = tensor<float, shape<1000>>::empty(); }
  host_allocator::get().reset_statistics();
  const auto before = host_allocator::get().statistics();
  void* first;
  {
    auto t = tensor<float, shape<1000>>::empty();
    first = t.data();
    CHECK(host_allocator::get().statistics().live_bytes > before.live_bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
  }
  CHECK(host_allocator::get().statistics().live_bytes == before.live_bytes);
  CHECK((tensor<float, shape<1000>>::empty().data()) == first);
}

TEST_CASE("Philox: the published test vector; streams are independent") {
  CHECK(philox(0, 0, 0) == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  const random_stream r{1, 2};
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const double n = r.normal(i);
    sum += n, squares += n * n;
  }
  CHECK(sum / 20000 == doctest::Approx(0).epsilon(0.03));
  CHECK(squares / 20000 == doctest::Approx(1).epsilon(0.03));
  CHECK(r.child(1).bits(0) != r.child(2).bits(0));
}

TEST_CASE("parallel_for: every task once; the first exception is rethrown; nested calls run") {
  for (int n : {1, 2, 5}) {
    set_threads(n);
    std::vector<std::atomic<int>> hits(1000);
    cpu::parallel_for(1000, [&](std::int64_t i) { cpu::parallel_for(2, [&](std::int64_t) { ++hits[static_cast<std::size_t>(i)]; }); });
    for (auto& h : hits) CHECK(h == 2);
    CHECK_THROWS_WITH_AS(cpu::parallel_for(50, [](std::int64_t i) { expect(i != 30, "task ", i); }), "task 30", error);
  }
  set_threads(2);
  CHECK_THROWS_AS(set_threads(0), error);
}

TEST_CASE("conversion to whole numbers clamps to their range, NaN becomes 0") {
  constexpr auto least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  static_assert(convert_number<std::int64_t>(1e30) == most && convert_number<std::int64_t>(-1e30) == least);
  static_assert(convert_number<std::int64_t>(0x1p63) == most && convert_number<std::int64_t>(-0x1p63) == least);
  static_assert(convert_number<std::int64_t>(0x1.fffffffffffffp62) == most - 1023 && convert_number<std::int64_t>(0x1.fffffep62f) > most / 2);
  static_assert(convert_number<std::uint8_t>(255.9f) == 255 && convert_number<std::uint8_t>(256.0f) == 255 &&
                convert_number<std::uint8_t>(-0.9) == 0);
  static_assert(convert_number<std::uint8_t>(std::int64_t{300}) == 255 && convert_number<std::uint8_t>(least) == 0);
  static_assert(convert_number<std::int64_t>(std::uint8_t{200}) == 200 && convert_number<std::uint8_t>(bf16(1e30f)) == 255);
  static_assert(convert_number<std::int64_t>(-2.75) == -2 && convert_number<float>(std::int64_t{1} << 40) == 0x1p40f);
  static_assert(convert_number<f16>(1e30) == f16(HUGE_VALF));
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto whole = [](double x) {
    const std::int64_t found[] = {convert_number<std::int64_t>(x), convert_number<std::int64_t>(static_cast<float>(x)),
                                  convert_number<std::int64_t>(bf16(x)), convert_number<std::int64_t>(f16(x))};
    for (std::int64_t v : found) CHECK(v == found[0]);
    return found[0];
  };
  CHECK((whole(inf) == most && whole(-inf) == least && whole(nan) == 0 && whole(-nan) == 0 && whole(-3.5) == -3 && whole(0.75) == 0));
  CHECK((convert_number<std::uint8_t>(inf) == 255 && convert_number<std::uint8_t>(-inf) == 0 && convert_number<std::uint8_t>(nan) == 0));
  const auto t = cast<std::int64_t>(tensor<float, shape<4>>::from(std::vector<float>{1e30f, NAN, -1e30f, 41.9f}));
  CHECK((t(0) == most && t(1) == 0 && t(2) == least && t(3) == 41));
}
