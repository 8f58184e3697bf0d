// The kernels of attention against the CPU op.
#include <dcs/ops/attention/attention.hpp>
#include <dcs/ops/attention/cuda.cuh>

#include "../cuda/compare.hpp"
#include "masked_scores.hpp"

using namespace dcs;

namespace {

using rows = shape<dyn<"n">, dyn<"h">, dyn<"lq">, dyn<"d">>;
using columns = shape<dyn<"n">, dyn<"h">, dyn<"lk">, dyn<"d">>;
using kernel_test::target;

struct extents {
  extent_t batch, heads, queries, keys, depth;
};
auto operation(double dropout, double scale = 0.2, random_stream random = {5, 9}) {
  return [=](const auto& q, const auto& k, const auto& v) { return attention(q, k, v, scale, dropout, random); };
}
template <class Body>
void with_inputs(const extents& e, const Body& body) {
  CAPTURE(e.batch);
  CAPTURE(e.heads);
  CAPTURE(e.queries);
  CAPTURE(e.keys);
  CAPTURE(e.depth);
  const sizes<4> own{e.batch, e.heads, e.queries, e.depth}, passing{e.batch, e.heads, e.keys, e.depth};
  body(random_normal<double, rows>(own, {1, 1}), random_normal<double, columns>(passing, {1, 2}), random_normal<double, columns>(passing, {1, 3}));
}
void compare(const extents& e, double dropout = 0, double scale = 0.2) {
  with_inputs(e, [&](const auto&... x) { kernel_test::compare(operation(dropout, scale), x...); });
}
void check_gradient(const extents& e, double dropout = 0) {
  with_inputs(e, [&](const auto&... x) { CHECK(kernel_test::gradcheck(operation(dropout), x...) < 1e-6); });
}

// The forward kernel by itself, on the device's memory.
template <class T>
struct problem_on_device {
  using vector = tensor<T, shape<dyn<"i">>, target>;
  using logsums = tensor<cuda::arithmetic_t<T>, shape<dyn<"i">>, target>;
  attention_geometry g;
  vector q = random(1, g.queries), k = random(2, g.keys), v = random(3, g.keys);

  vector random(std::uint64_t stream, std::int64_t length) const {
    return to<target>(kernel_test::rounded<T>(random_normal<double, shape<dyn<"i">>>({g.heads * length * g.depth}, {3, stream})));
  }
  // M as the device chooses it, or given, for heads of the depth D.
  template <int M = 0, int D = 32>
  std::pair<vector, logsums> forward() const {
    std::pair<vector, logsums> r{vector::empty(q.sizes()), logsums::empty({g.heads * g.queries})};
    if constexpr (M == 0)
      attention_forward<T>(target{}, g, q.data(), k.data(), v.data(), r.first.data(), r.second.data());
    else
      launch(target{}, cuda::attention_forward_kernel<T, D, M>{{q.data(), q.size()},
                                                               {k.data(), k.size()},
                                                               {v.data(), v.size()},
                                                               {r.first.data(), r.first.size()},
                                                               {r.second.data(), r.second.size()},
                                                               cuda::detail::attention_problem<cuda::arithmetic_t<T>>(g)});
    return r;
  }
};
// The largest blocks fit the shared memory of every GPU.
static_assert(cuda::attention_forward_kernel<float, 64, 1>::shared_bytes() <= cuda::common_shared_bytes);
static_assert(cuda::attention_backward_keys_kernel<float, 64>::shared_bytes() <= cuda::common_shared_bytes);
static_assert(cuda::attention_backward_queries_kernel<float, 64>::shared_bytes() <= cuda::common_shared_bytes);

// What is chosen while it lives.
struct tf32_choice {
  explicit tf32_choice(bool chosen) { cuda::library_options::get().tf32 = chosen; }
  ~tf32_choice() { cuda::library_options::get().tf32 = false; }
};
template <class A>
bool same_bits(const A& a, const A& b) {
  const auto x = to<cpu_device>(a), y = to<cpu_device>(b);
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), static_cast<std::size_t>(x.bytes())) == 0;
}

}  // namespace

TEST_CASE("kernel attention_forward: equals the CPU op") {
  compare({0, 3, 7, 7, 32});
  compare({1, 1, 1, 7, 64}, 0.2);
  compare({2, 2, 7, 70, 32}, 0.2);
  compare({1, 1, 70, 64, 32});
}

TEST_CASE("scores whose powers would overflow, of either sign") {
  for (double scale : {400.0, -400.0})
    for (extent_t depth : {32, 5})
      with_inputs({1, 1, 5, 70, depth}, [&](const auto&... x) {
        const auto op = operation(0, scale);
        if constexpr (!kernel_test::on_gpu)  // a GPU's fragments are not of doubles
          CHECK(kernel_test::difference(to<cpu_device>(op(to<target>(x)...)), op(x...)) < 1e-12);
        CHECK(kernel_test::difference(to<cpu_device>(op(to<target>(kernel_test::rounded<float>(x))...)), op(x...)) < 1e-3);
      });
}

TEST_CASE("blocks of 64 and of 128 queries give the same bits, and logsum is that of the CPU") {
  for (std::int64_t queries : {7, 70, 130}) {
    const attention_geometry g{2, queries, 70, 32, 0.3, 0.2, {5, 9}};
    const problem_on_device<bf16> p{g};
    const auto one = p.forward<1>(), two = p.forward<2>(), chosen = p.forward();
    CHECK(same_bits(one.first, two.first));
    CHECK(same_bits(one.second, two.second));
    CHECK(same_bits(one.first, chosen.first));

    auto host = [](const auto& x) { return kernel_test::rounded<float>(to<cpu_device>(x)); };
    const auto q = host(p.q), k = host(p.k), v = host(p.v);
    auto o = tensor<float, shape<dyn<"i">>>::empty(q.sizes()), logsum = tensor<float, shape<dyn<"i">>>::empty({g.heads * g.queries});
    attention_forward<float>(cpu_device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data());
    CHECK(kernel_test::difference(to<cpu_device>(two.first), o) < 1e-2);
    CHECK(kernel_test::difference(to<cpu_device>(two.second), logsum) < 1e-6);
  }
}

// The depth of the network's heads, and a type whose rows of k and v lie differently.
TEST_CASE("blocks of 128 queries at depth 64, and of floats, are blocks of 64") {
  const auto check = [](auto t, auto depth, std::int64_t queries, double bound) {
    using T = decltype(t);
    constexpr int D = decltype(depth)::value;
    const attention_geometry g{1, queries, 70, D, 0.3, 0.2, {5, 9}};
    const problem_on_device<T> p{g};
    const auto one = p.template forward<1, D>(), two = p.template forward<2, D>();
    CHECK(same_bits(one.first, two.first));
    CHECK(same_bits(one.second, two.second));
    auto host = [](const auto& x) { return kernel_test::rounded<float>(to<cpu_device>(x)); };
    const auto q = host(p.q), k = host(p.k), v = host(p.v);
    auto o = tensor<float, shape<dyn<"i">>>::empty(q.sizes()), logsum = tensor<float, shape<dyn<"i">>>::empty({g.heads * g.queries});
    attention_forward<float>(cpu_device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data());
    CHECK(kernel_test::difference(to<cpu_device>(two.first), o) < bound);
    CHECK(kernel_test::difference(to<cpu_device>(two.second), logsum) < 1e-6);
  };
  check(bf16{}, std::integral_constant<int, 64>{}, 130, 1e-2);
  check(float{}, std::integral_constant<int, 32>{}, 70, 2e-6);
}

TEST_CASE("kernel attention_delta: products of rows") {
  const auto check = [](auto t, int depth, extent_t n) {
    using T = decltype(t);
    using matrix = shape<dyn<"n">, dyn<"d">>;
    const auto x = kernel_test::rounded<T>(random_normal<double, matrix>({n, depth}, {1, 1})),
               y = kernel_test::rounded<T>(random_normal<double, matrix>({n, depth}, {1, 2}));
    auto wanted = tensor<double, shape<dyn<"n">>>::full({n}, 0);
    for (extent_t i = 0; i < n; ++i)
      for (extent_t d = 0; d < depth; ++d) wanted(i) += static_cast<double>(x(i, d)) * static_cast<double>(y(i, d));
    const auto a = to<target>(x), b = to<target>(y);
    for (int order = 0; order < 3; ++order) {
      auto delta = tensor<cuda::arithmetic_t<T>, shape<dyn<"n">>, target>::empty({n});
      cuda::with_packets<T>(depth, [&](auto v) {
        launch(target{}, cuda::attention_delta_kernel<T, decltype(v)::value>{{a.data(), a.size()}, {b.data(), b.size()}, {delta.data(), n}, depth});
      });
      CHECK(kernel_test::difference(to<cpu_device>(delta), wanted) < (sizeof(T) == 8 ? 1e-14 : 1e-6));
    }
  };
  for (int depth : {1, 5, 32, 130, 264})
    for (extent_t n : {0, 1, 37}) {
      if constexpr (!kernel_test::on_gpu) check(double{}, depth, n);
      check(float{}, depth, n), check(bf16{}, depth, n);
    }
}

TEST_CASE("kernel attention_backward_keys: passes the gradient check; queries over several tiles") {
  check_gradient({1, 2, 7, 7, 32});
  check_gradient({1, 1, 3, 5, 64}, 0.2);
  compare({1, 1, 200, 7, 32}, 0.2);
}

TEST_CASE("kernel attention_backward_queries: passes the gradient check; keys over several tiles") {
  check_gradient({2, 1, 1, 7, 32}, 0.2);
  compare({1, 1, 7, 200, 64}, 0.2);
}

TEST_CASE("kernel attention_forward_wide: equals the CPU op at any depth") {
  compare({0, 1, 7, 7, 5});
  compare({1, 2, 7, 70, 5}, 0.2);
  compare({1, 1, 1, 8, 48});
  compare({1, 1, 9, 7, 130}, 0.2);
}

TEST_CASE("kernel attention_backward_keys_wide: passes the gradient check; queries over several tiles") {
  check_gradient({1, 1, 5, 7, 16}, 0.2);
  compare({1, 1, 70, 7, 136}, 0.2);
}

TEST_CASE("kernel attention_backward_queries_wide: passes the gradient check; keys over several tiles") {
  check_gradient({1, 2, 3, 2, 3});
  compare({1, 1, 7, 70, 65}, 0.2);
}

TEST_CASE("floats are exact, or rounded to TF32 by choice, forward and backward; bf16 stays as it is") {
  for (const extents& e : {extents{1, 2, 70, 37, 32}, extents{1, 1, 40, 70, 64}, extents{1, 1, 20, 70, 40}})
    with_inputs(e, [](const auto&... x) {
      const auto wanted = kernel_test::run<cpu_device>(operation(0.2), kernel_test::rounded<double>(kernel_test::rounded<float>(x))...);
      const auto measured = [&](auto t, bool tf32) {
        const tf32_choice choice(tf32);
        return kernel_test::run<target>(operation(0.2), kernel_test::rounded<decltype(t)>(x)...);
      };
      const auto exact = measured(float{}, false), rounded = measured(float{}, true);
      const auto half = measured(bf16{}, false), half_too = measured(bf16{}, true);
      const auto check = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
        CAPTURE(I);
        CHECK(kernel_test::difference(std::get<I>(exact), std::get<I>(wanted)) < kernel_test::tolerance<float>);
        CHECK(kernel_test::difference(std::get<I>(rounded), std::get<I>(wanted)) < 1e-3);
        CHECK(kernel_test::difference(std::get<I>(rounded), std::get<I>(wanted)) > 50 * kernel_test::tolerance<float>);
        CHECK(same_bits(std::get<I>(half), std::get<I>(half_too)));
      };
      check(std::integral_constant<std::size_t, 0>{});
      check(std::integral_constant<std::size_t, 1>{});
      check(std::integral_constant<std::size_t, 2>{});
      check(std::integral_constant<std::size_t, 3>{});
    });
}

TEST_CASE("one key has probability 1: the result is its value, and neither q nor k has a gradient") {
  for (extent_t depth : {32, 5})
    with_inputs({1, 2, 7, 1, depth}, [](const auto&... x) {
      if constexpr (!kernel_test::on_gpu) {
        const auto wanted = kernel_test::run<cpu_device>(operation(0.2), x...), found = kernel_test::run<target>(operation(0.2), x...);
        CHECK(kernel_test::difference(std::get<0>(found), std::get<0>(wanted)) < 1e-12);
        CHECK(kernel_test::difference(std::get<3>(found), std::get<3>(wanted)) < 1e-12);
        for (extent_t i = 0; i < std::get<1>(found).size(); ++i) CHECK(std::abs(std::get<1>(found).data()[i]) < 1e-13);
        for (extent_t i = 0; i < std::get<2>(found).size(); ++i) CHECK(std::abs(std::get<2>(found).data()[i]) < 1e-13);
      }
    });
}

TEST_CASE("scores of −∞ have probability 0, and a row of such scores alone is NaN, as the unfused ops on the host have it") {
  const auto compare_steps = [](const auto& x, double tolerance) -> void {
    using A = compute_type<typename std::remove_cvref_t<decltype(x.q)>::value_type>;
    const masked_scores::inputs<A> wide{cast<A>(x.q), cast<A>(x.k), cast<A>(x.v)};
    masked_scores::check_all(masked_scores::run<target>(masked_scores::fused_form, x), masked_scores::run(masked_scores::step_by_step, wide), x,
                             tolerance);
  };
  const auto check = [&](auto t, extent_t depth, double tolerance) -> void {  // said, as a GPU's build must not look inside for double
    using T = decltype(t);
    CAPTURE(sizeof(T));
    CAPTURE(depth);
    masked_scores::for_each_mask(depth, [&](const masked_scores::mask& m) { compare_steps(masked_scores::make<T>(m), tolerance); });
    if (sizeof(T) == 4) return;  // floats go by parts, of which infinite ones have none
    for (const extent_t first : {3, 65, 69}) compare_steps(masked_scores::make_infinite<T>(5, 70, depth, first), tolerance);
  };
  for (const extent_t depth : {32, 5}) {
    if constexpr (!kernel_test::on_gpu) check(double{}, depth, 1e-12);
    check(float{}, depth, 1e-4), check(bf16{}, depth, 0.03);
  }
}

TEST_CASE("bits of dropout are those of the stream, at any offset") {
  const attention_geometry g{1, 1, 1, 1, 1.0, 0.3, {8, 9}};
  const cuda::detail::attention_problem<float> p(g);
  for (std::uint64_t base : {std::uint64_t{0}, (std::uint64_t{1} << 34) - 8})
    for (std::uint64_t first = base; first < base + 10; ++first) {
      const std::uint32_t bits = p.kept_sixteen(first);
      for (unsigned i = 0; i < 16; ++i) CHECK((bits >> i & 1u) == (g.random.uniform(first + i) >= 0.3f));
      CHECK(bits <= 0xFFFFu);
    }
  const cuda::detail::attention_problem<float> large({1 << 20, 1 << 16, 1 << 14, 1, 1.0});
  CHECK(large.element(1 << 19, 5, 3) == (std::uint64_t{1} << 49) + 5 * (1 << 14) + 3);
}

TEST_CASE("a shift of dropout that lies in memory, forward and backward, at every depth") {
  using T = std::conditional_t<kernel_test::on_gpu, float, double>;
  const auto shift = kernel_test::uploaded(std::vector<std::uint64_t>{17});
  random_stream here{5, 9, 17}, there{5, 9};
  there.shift_at = shift.data();
  for (extent_t depth : {32, 5})
    with_inputs({1, 1, 9, 70, depth}, [&](const auto&... x) {
      const auto wanted = kernel_test::run<cpu_device>(operation(0.3, 0.2, here), kernel_test::rounded<T>(x)...);
      const auto without = kernel_test::run<cpu_device>(operation(0.3), kernel_test::rounded<T>(x)...);
      const auto found = kernel_test::run<target>(operation(0.3, 0.2, there), kernel_test::rounded<T>(x)...);
      const auto check = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
        CAPTURE(I);
        CHECK(kernel_test::difference(std::get<I>(found), std::get<I>(wanted)) < kernel_test::tolerance<T>);
        CHECK(kernel_test::difference(std::get<I>(without), std::get<I>(wanted)) > 0.1);
      };
      check(std::integral_constant<std::size_t, 0>{}), check(std::integral_constant<std::size_t, 1>{});
      check(std::integral_constant<std::size_t, 2>{}), check(std::integral_constant<std::size_t, 3>{});
    });
}

TEST_CASE("without heads nothing is launched; extents beyond 32 bits are errors") {
  using T = float;
  for (std::int64_t depth : {32, 5}) {
    T* none = nullptr;
    attention_forward<T>(target{}, attention_geometry{0, 7, 7, depth, 1.0}, none, none, none, none, none);
    attention_backward<T>(target{}, attention_geometry{0, 7, 7, depth, 1.0}, none, none, none, none, none, none, none, none, none);
    CHECK_THROWS_WITH_AS(attention_forward<T>(target{}, attention_geometry{1, 7, std::int64_t{1} << 31, depth, 1.0}, none, none, none, none, none),
                         doctest::Contains("expected at most"), error);
  }
}
