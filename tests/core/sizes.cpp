// Sizes whose product, or whose bytes, do not fit are refused wherever an array begins; so are negative ones, and sizes of one name that differ.
#include <dcs/ops/cast/cast.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/resize/resize.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent_t k31 = extent_t{1} << 31, k60 = extent_t{1} << 60, k62 = extent_t{1} << 62;

template <class T>
void check_makers() {
  using S = shape<dyn<"a">, dyn<"b">, dyn<"c">>;
  using A = tensor<T, S>;
  std::vector<T> host(16);
  const storage memory = A::zeros({2, 2, 4}).memory();
  // Products that leave 64 bits at once, on their way, to a negative number, to 0, or to the 16 elements that there are; and too many bytes.
  const sizes<3> wrong[] = {{k31, k31, 4},         {k62 + 4, 4, 1},       {k62, 4, 1}, {0, k31, k31}, {k31, k31, 0},         {k31, 0, k31},
                            {(k60 * 2 + 1), 8, 1}, {k31 + 1, k31 - 1, 2}, {3, k62, 3}, {k60, 1, 2},   {1, 1, k62 + k62 / 2}, {1, k60 * 4 + 16, 1}};
  for (const auto& s : wrong) {
    CAPTURE(to_string(s));
    const auto says = doctest::Contains(to_string(s).c_str());
    CHECK_THROWS_WITH_AS(A::empty(s), says, error);
    CHECK_THROWS_WITH_AS(A::zeros(s), says, error);
    CHECK_THROWS_WITH_AS(A::full(s, T{}), says, error);
    CHECK_THROWS_WITH_AS(A::from(host, s), says, error);
    CHECK_THROWS_WITH_AS(A::adopt(memory, s), says, error);
    CHECK_THROWS_WITH_AS((as_view<S>(host.data(), s)), says, error);
    CHECK_THROWS_AS((view<T, S>{host.data(), s, {}}.size() == 0 ? fail("none") : void()), error);
    CHECK_THROWS_AS((copy(view<T, S>{host.data(), s, {}})), error);
  }
  for (const sizes<3>& s : {sizes<3>{-1, 2, 2}, {-2, -8, 1}, {0, -1, 3}, {2, 2, -4}}) {
    CHECK_THROWS_AS(A::zeros(s), error);
    CHECK_THROWS_AS(A::adopt(memory, s), error);
    CHECK_THROWS_AS(A::from(host, s), error);
    CHECK_THROWS_AS(count(s), error);
  }
  CHECK((A::empty({0, k31, 16}).size() == 0 && A::from(host, {2, 2, 4}).size() == 16));
}

}  // namespace

static_assert(count(sizes<3>{2, 0, 5}) == 0 && count(sizes<3>{2, 3, 5}) == 30 && count(sizes<0>{}) == 1 && count(sizes<1>{k60}) == k60);

TEST_CASE("every way of making a tensor throws for sizes whose product or bytes do not fit, and no memory counts as in use") {
  const auto before = host_allocator::get().statistics().live_bytes;
  check_makers<float>(), check_makers<double>(), check_makers<bf16>(), check_makers<std::uint8_t>(), check_makers<std::int64_t>();
  CHECK(host_allocator::get().statistics().live_bytes == before);
}

TEST_CASE("the number of bytes is limited, not only that of elements") {
  using S = shape<dyn<"a">>;
  CHECK_THROWS_WITH_AS((tensor<double, S>::empty({k60 / 8 + 1})), doctest::Contains("elements of 8 bytes"), error);
  CHECK_THROWS_WITH_AS((tensor<float, S>::empty({k60 / 4 + 1})), doctest::Contains("more than 2^60 bytes"), error);
  CHECK_THROWS_WITH_AS((tensor<double, shape<dyn<"a">, 0>>::empty({k60 / 8 + 1, 0})), doctest::Contains("2^60 bytes"), error);
}

TEST_CASE("results larger than any array: ops whose sizes are products or sums of their operands' refuse them") {
  // Operands of no elements have such sizes without memory.
  using A = shape<dyn<"n">, dyn<"a">, 1>;
  using B = shape<dyn<"n">, 1, dyn<"b">>;
  const auto a = tensor<float, A>::empty({0, k31, 1});
  const auto b = tensor<float, B>::empty({0, 1, k31});
  CHECK_THROWS_WITH_AS(eval(a + b), doctest::Contains("dcs::eval: elements of 4 bytes in sizes [0, 2147483648, 2147483648]"), error);
  CHECK_THROWS_WITH_AS(eval(matmul(a, b)), doctest::Contains("2147483648"), error);
  CHECK_THROWS_WITH_AS((linear(tensor<float, shape<dyn<"n">, dyn<"a">, 1>>::empty({0, k60 / 4, 1}), tensor<float, shape<1, 2>>::zeros())),
                       doctest::Contains("sizes [0, 288230376151711744, 2]"), error);
  using M = shape<dyn<"n">, dyn<"h">, dyn<"w">, 1>;
  const auto map = tensor<float, M>::empty({0, k31, k31 / 16, 1});
  CHECK_THROWS_WITH_AS(eval(conv2d<1, 0>(map, tensor<float, shape<1, 1, 1, 64>>::zeros())), doctest::Contains("dcs::conv2d"), error);
  CHECK_THROWS_WITH_AS((cast<double>(map)), doctest::Contains("dcs::tensor: elements of 8 bytes"), error);
  const auto line = tensor<float, M>::empty({0, 2 * k31, 1, 1});
  CHECK_THROWS_WITH_AS(resize_nearest_like(tensor<float, M>::empty({0, k31, 1, 1}), line), doctest::Contains("dcs::resize"), error);
  const auto wide = tensor<float, shape<dyn<"n">, 1, 1, 64>>::empty({0, 1, 1, 64});
  CHECK_THROWS_WITH_AS(resize_nearest_like(wide, map), doctest::Contains("dcs::resize"), error);
  CHECK_THROWS_WITH_AS(resize_bilinear_like<corners::aligned>(wide, map), doctest::Contains("dcs::resize"), error);
}

TEST_CASE("a reshape whose sizes do not fit is an error and does not overflow") {
  const auto x = tensor<float, shape<dyn<"n">, dyn<"m">>>::zeros({16, 1});
  CHECK_THROWS_WITH_AS((reshape<shape<dyn<"n">, k60 / 4, dyn<"rest">>>(x)), doctest::Contains("dcs::reshape: sizes [16, 1]"), error);
  CHECK_THROWS_WITH_AS((reshape<shape<dyn<"n">, 16, k60 / 64>>(x)), doctest::Contains("dcs::reshape: sizes [16, 1]"), error);
}

TEST_CASE("extents after windows agree with the named extent") {
  constexpr extent h = dyn<"h">, quarter = windowed(h, 1, 4, 0), less = windowed(h, 3, 1, 0), half = windowed(h, 3, 2, 1);
  using S = shape<h, quarter, less>;
  CHECK((tensor<float, S>::zeros({8, 2, 6}).size() == 96 && tensor<float, S>::zeros({9, 3, 7}).size() == 189));
  CHECK((tensor<float, S>::zeros({1, 1, 0}).size() == 0 && tensor<float, S>::zeros({0, 0, 0}).size() == 0));
  for (const sizes<3>& s : {sizes<3>{8, 3, 6}, {8, 1, 6}, {8, 2, 7}, {9, 2, 7}, {0, 1, 0}, {8, 0, 6}}) {
    CAPTURE(to_string(s));
    CHECK_THROWS_WITH_AS((tensor<float, S>::zeros(s)), doctest::Contains("do not fit the shape [h, h/4, h-2]"), error);
  }
  // Without h itself: half of 5 to 6 is 3, a quarter of it 2.
  CHECK((tensor<float, shape<half, quarter>>::zeros({3, 2}).size() == 6));
  CHECK_THROWS_WITH_AS((tensor<float, shape<half, quarter>>::zeros({3, 1})), doctest::Contains("at axis 1"), error);
  for (extent_t n = 1; n < 40; ++n) {
    CHECK((tensor<float, shape<h, half, quarter>>::zeros({n, windowed(n, 3, 2, 1), windowed(n, 1, 4, 0)}).defined()));
    CHECK((tensor<float, shape<half, windowed(half, 3, 2, 1)>>::zeros({windowed(n, 3, 2, 1), windowed(windowed(n, 3, 2, 1), 3, 2, 1)}).defined()));
  }
}
