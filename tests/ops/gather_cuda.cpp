// The kernels of gathered rows against the CPU op.
#include <dcs/ops/gather/cuda.cuh>
#include <dcs/ops/gather/gather.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

// Rows of two maps, some of them taken several times, some never.
template <int Width, class Body>
void over_samples(const Body& body) {
  using first = shape<2, 3, 3, 2 * Width>;  // 36 rows
  using second = shape<5, Width>;
  const auto a = random_normal<double, first>(first::extents, {1, 1});
  const auto b = random_normal<double, second>(second::extents, {1, 2});
  for (std::size_t n : std::initializer_list<std::size_t>{0, 1, 7, 90}) {
    std::vector<level_row> where;
    for (std::size_t i = 0; i < n; ++i) {
      const int level = static_cast<int>(random_stream{2, 2}.below(2 * i, 2));
      where.push_back({level, static_cast<extent_t>(random_stream{2, 2}.below(2 * i + 1, level == 0 ? 36 : 5))});
    }
    body([=](const auto& x, const auto& y) { return gather_rows<Width>(where, x, y); }, a, b);
  }
}

}  // namespace

TEST_CASE("kernel gather_rows_forward: rows of one element, of packets, of halves of them and of neither") {
  const auto compare = [](const auto& f, const auto& a, const auto& b) { kernel_test::compare(f, a, b); };
  over_samples<1>(compare);
  over_samples<3>(compare);
  over_samples<4>(compare);
  over_samples<16>(compare);
}

TEST_CASE("kernel gather_rows_backward: a row gathered several times receives the sum in a fixed order; only gradients that are needed") {
  const auto check = [](const auto& f, const auto& a, const auto& b) { CHECK(kernel_test::gradcheck(f, a, b) < 1e-6); };
  over_samples<1>(check);
  over_samples<4>(check);
  over_samples<5>(check);
  using kernel_test::target;
  using S = shape<6, 4>;
  const auto a = to<target>(kernel_test::rounded<float>(random_normal<double, S>(S::extents, {1, 1})));
  const auto v = var<float, S, target>::leaf(a.clone());
  const auto y = gather_rows<4>({{0, 1}, {1, 5}, {0, 1}, {1, 5}, {1, 0}}, var<float, S, target>(a), v);
  using Y = shape<dyn<"sample">, 4>;
  backward(y, to<target>(tensor<float, Y>::full({5, 4}, 1.0f)));
  const auto gradient = to<cpu_device>(v.grad());
  CHECK(gradient(5, 3) == 2);
  CHECK(gradient(0, 0) == 1);
  CHECK(gradient(1, 0) == 0);
}

TEST_CASE("kernel scatter_rows: rows chosen on the device: forward and gradients are those of the host's op, and a row of level -1 is zeros") {
  using kernel_test::target;
  const auto check = [](auto width, auto t) {
    constexpr int Width = decltype(width)::value;
    using T = decltype(t);
    using H = cuda::arithmetic_t<T>;          // rows are copied: the same in what the host has
    using first = shape<2, 3, 3, 2 * Width>;  // 36 rows
    using second = shape<5, Width>;
    const auto a = kernel_test::rounded<T>(random_normal<double, first>(first::extents, {1, 1}));
    const auto b = kernel_test::rounded<T>(random_normal<double, second>(second::extents, {1, 2}));
    std::vector<level_row> where, live;
    for (extent_t i = 0; i < 36; i += 2) where.push_back({0, (i * 7) % 36}), where.push_back({i % 3 == 0 ? -1 : 1, i / 2});
    for (auto& w : where)
      if (w.level == 1 && w.row >= 5) w = {-1, 0};
    const auto every = where, of_one = std::vector<level_row>{{0, 35}}, of_none = std::vector<level_row>{{-1, 0}};
    for (const auto& [all, taken] : {std::pair(true, every), std::pair(false, every), std::pair(true, every), std::pair(true, of_one),
                                     std::pair(false, of_none), std::pair(true, std::vector<level_row>{})}) {
      where = taken, live.clear();
      for (const auto& w : where)
        if (w.level >= 0) live.push_back(w);
      const auto count = static_cast<std::int64_t>(where.size());
      const cuda::device_rows rows{storage::allocate<target>(count * static_cast<std::int64_t>(sizeof(level_row))), count};
      target::copy_from_host(rows.memory.data(), where.data(), rows.memory.bytes());
      const auto x = var<T, first, target>::leaf(to<target>(a).clone());
      const auto leaf = var<T, second, target>::leaf(to<target>(b).clone());
      const auto y = cuda::gather_rows<Width>(rows, x, all ? leaf : var<T, second, target>(to<target>(b)));
      using Y = shape<dyn<"sample">, Width>;
      const auto dy = kernel_test::rounded<T>(random_normal<double, Y>({count, Width}, {1, 3}));
      auto dy_live = tensor<H, Y>::empty({static_cast<extent_t>(live.size()), Width});
      const auto there = to<cpu_device>(y.value());
      extent_t k = 0;
      const auto u = var<H, first>::leaf(kernel_test::rounded<H>(a));
      const auto v = var<H, second>::leaf(kernel_test::rounded<H>(b));
      const auto wanted = gather_rows<Width>(live, u, v);
      for (std::size_t i = 0; i < where.size(); ++i)
        for (extent_t c = 0; c < Width; ++c) {
          const auto at = static_cast<extent_t>(i) * Width + c;
          CHECK(static_cast<float>(there.data()[at]) == (where[i].level < 0 ? 0.0f : static_cast<float>(wanted.value().data()[k])));
          if (where[i].level >= 0) dy_live.data()[k++] = static_cast<H>(dy.data()[at]);
        }
      backward(y, to<target>(dy));
      backward(wanted, dy_live);
      CHECK(kernel_test::difference(to<cpu_device>(x.grad()), u.grad()) == 0);
      CHECK(leaf.has_grad() == all);
      if (all) CHECK(kernel_test::difference(to<cpu_device>(leaf.grad()), v.grad()) == 0);
    }
  };
  const auto in_types = [&](auto width) {
    if constexpr (!kernel_test::on_gpu) check(width, double{});
    check(width, float{}), check(width, bf16{});
  };
  in_types(std::integral_constant<int, 1>{}), in_types(std::integral_constant<int, 4>{}), in_types(std::integral_constant<int, 3>{});
  const auto named = kernel_test::uploaded(std::vector<level_row>{{1, 4}, {0, 0}, {-1, 0}, {0, 35}, {1, 0}});
  cuda::device_rows rows{storage::allocate<target>(5 * static_cast<std::int64_t>(sizeof(level_row))), 5};
  target::copy(rows.memory.data(), named.data(), rows.memory.bytes());
  const auto gradients = [&](auto width) {
    constexpr int Width = decltype(width)::value;
    using first = shape<2, 3, 3, 2 * Width>;
    using second = shape<5, Width>;
    CHECK(kernel_test::gradcheck([&](const auto& a, const auto& b) { return cuda::gather_rows<Width>(rows, a, b); },
                                 random_normal<double, first>(first::extents, {1, 1}),
                                 random_normal<double, second>(second::extents, {1, 2})) < 1e-6);
  };
  gradients(std::integral_constant<int, 1>{}), gradients(std::integral_constant<int, 4>{});
}
