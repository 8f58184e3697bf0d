// einsum on the host: gradients against differences, values and gradients against torch.einsum, names of extents, operands without elements.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/einsum/einsum.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent n = dyn<"n">, l = dyn<"l">, m = dyn<"m">, c = dyn<"c">;

template <class X, class S>
constexpr bool has_shape = std::is_same_v<shape_t<X>, S>;

}  // namespace

TEST_CASE("einsum: gradients") {
  test::for_each_isa([] {
    for (const extent_t images : {0, 1, 2, 3})
      for (const extent_t tokens : {1, 2, 5, 6, 7}) {
        const auto x = random_normal<double, shape<n, l, 4>>({images, tokens, 4}, {1, 1});
        const auto w = random_normal<double, shape<3, 4>>({3, 4}, {1, 2});
        const auto k = random_normal<double, shape<n, 3, 2, 4>>({images, 3, 2, 4}, {1, 3});
        const auto check = [](const auto& f, const auto&... inputs) { CHECK(gradcheck(f, {3, 3}, 12, inputs...) < 1e-6); };
        check([](const auto& a, const auto& b) { return square(einsum<"nlc,mc->nlm">(a, b)); }, x, w);
        check([](const auto& a, const auto& b) { return einsum<"nlc,nkhc->nhkl">(square(a), b); }, x, k);
        check([](const auto& a, const auto& b) { return einsum<"nlc,nkhc->c">(a, b); }, x, k);
        check([](const auto& a, const auto& b) { return einsum<"nlc,mc->cmln">(a, b); }, x, w);
        check([](const auto& a) { return einsum<"nlc,nlc->nl">(a, a); }, x);
        check([](const auto& a) { return einsum<"nlc->cn">(square(a)); }, x);
      }
  });
}

TEST_CASE_TEMPLATE("einsum equals torch.einsum, forward and backward", T, float, double) {
  const auto file = test::goldens("einsum");
  // Extents: n 2, l 3, m 4, c 5, h 2, k 6, i 3, j 7; some are known to the type, some to the file alone.
#define DCS_CHECK_EINSUM(equation, A, B) \
  test::check_op<T, A, B>(file, equation, {"a", "b"}, [](const auto& a, const auto& b) { return einsum<equation>(a, b); })
#define DCS_SHAPE(...) shape<__VA_ARGS__>
  test::for_each_isa([&] {
    DCS_CHECK_EINSUM("nlc,mc->nlm", DCS_SHAPE(n, l, 5), DCS_SHAPE(4, 5));
    DCS_CHECK_EINSUM("nlc,cm->nlm", DCS_SHAPE(n, l, c), DCS_SHAPE(c, m));
    DCS_CHECK_EINSUM("nlc,nmc->nlm", DCS_SHAPE(n, l, 5), DCS_SHAPE(n, m, 5));
    DCS_CHECK_EINSUM("nlc,nmc->nml", DCS_SHAPE(2, 3, c), DCS_SHAPE(2, 4, c));
    DCS_CHECK_EINSUM("cln,mnc->lmn", DCS_SHAPE(5, l, n), DCS_SHAPE(m, n, 5));
    DCS_CHECK_EINSUM("nlhk,nmhk->nhlm", DCS_SHAPE(n, l, 2, 6), DCS_SHAPE(n, m, 2, 6));
    DCS_CHECK_EINSUM("nhlm,nmhk->nlhk", DCS_SHAPE(n, 2, l, m), DCS_SHAPE(n, m, 2, 6));
    DCS_CHECK_EINSUM("ij,jk->ki", DCS_SHAPE(3, 7), DCS_SHAPE(7, 6));
    DCS_CHECK_EINSUM("nlc,kmc->nklm", DCS_SHAPE(n, l, c), DCS_SHAPE(6, m, c));
    DCS_CHECK_EINSUM("nlc,nlc->", DCS_SHAPE(n, l, 5), DCS_SHAPE(n, l, 5));
    DCS_CHECK_EINSUM("nlc,nc->nl", DCS_SHAPE(n, l, 5), DCS_SHAPE(n, 5));
    DCS_CHECK_EINSUM("lc,c->l", DCS_SHAPE(l, 5), DCS_SHAPE(5));
    DCS_CHECK_EINSUM("c,lc->l", DCS_SHAPE(c), DCS_SHAPE(l, c));
    DCS_CHECK_EINSUM("c,c->", DCS_SHAPE(c), DCS_SHAPE(c));
    DCS_CHECK_EINSUM("nlhk,hkm->nlm", DCS_SHAPE(n, l, 2, dyn<"k">), DCS_SHAPE(2, dyn<"k">, 4));
    DCS_CHECK_EINSUM("nlck,ml->nmck", DCS_SHAPE(n, 3, c, 6), DCS_SHAPE(m, 3));
    DCS_CHECK_EINSUM("i,j->ij", DCS_SHAPE(3), DCS_SHAPE(dyn<"j">));
    DCS_CHECK_EINSUM("i,j->ji", DCS_SHAPE(3), DCS_SHAPE(dyn<"j">));
    DCS_CHECK_EINSUM("nc,nlc->nlc", DCS_SHAPE(n, 5), DCS_SHAPE(n, l, 5));
    DCS_CHECK_EINSUM("cl,nlc->nlc", DCS_SHAPE(5, l), DCS_SHAPE(n, l, 5));
    DCS_CHECK_EINSUM(",lc->cl", DCS_SHAPE(), DCS_SHAPE(l, 5));
    DCS_CHECK_EINSUM("nlk,mc->nm", DCS_SHAPE(n, l, 6), DCS_SHAPE(4, 5));
    DCS_CHECK_EINSUM("nlc,ncm->n", DCS_SHAPE(n, l, 5), DCS_SHAPE(n, 5, m));
    const auto one = [&]<class F>(const char* equation, const F& f) { test::check_op<T, shape<n, l, 5>>(file, equation, {"x"}, f); };
    one("nlc->cln", [](const auto& x) { return einsum<"nlc->cln">(x); });
    one("nlc->ln", [](const auto& x) { return einsum<"nlc -> ln">(x); });
    one("nlc->", [](const auto& x) { return einsum<"nlc->">(x); });
    one("nlc->nlc", [](const auto& x) { return einsum<"nlc->nlc">(x); });
    one("nlc->c", [](const auto& x) { return einsum<"nlc->c">(x); });
  });
#undef DCS_SHAPE
#undef DCS_CHECK_EINSUM
}

TEST_CASE("the result has the extents of its letters, names too, and work is counted") {
  const auto x = random_normal<float, shape<n, l, c>>({2, 3, 4}, {1, 1});
  const auto w = random_normal<float, shape<8, c>>({8, 4}, {1, 2});
  const auto y = einsum<"nlc,mc->nlm">(x, w);
  static_assert(has_shape<decltype(y), shape<n, l, 8>>);
  static_assert(has_shape<decltype(einsum<"abc,ac->ba">(x, squeeze<1>(sum<1>(x)))), shape<l, n>>);
  // It is the product that one would write by hand, to the last bit.
  const auto by_hand = eval(matmul(reshape<shape<dyn<"row">, c>>(x), transpose(w)));
  REQUIRE(y.size() == by_hand.size());
  for (extent_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == by_hand.data()[i]);

  constexpr auto counted = [] {
    work total;
    probe<float, shape<2, 3, 4>> a{&total};
    (void)einsum<"nlc,mc->nlm">(a, probe<float, shape<5, 4>>{&total});
    return total.multiply_adds;
  }();
  static_assert(counted == 2 * 3 * 5 * 4);
}

TEST_CASE("operands without elements give sums of 0, and gradients of 0") {
  using X = shape<n, 4>;
  using W = shape<n, 3>;
  const auto x = var<double, X>::leaf(tensor<double, X>::empty({0, 4}));
  const auto w = var<double, W>::leaf(tensor<double, W>::empty({0, 3}));
  const auto y = einsum<"nc,nm->cm">(x, w);
  REQUIRE(y.sizes() == sizes<2>{4, 3});
  for (const double v : y.value().values()) CHECK(v == 0);
  backward(y, tensor<double, shape<4, 3>>::full(1));
  CHECK(x.grad().sizes() == sizes<2>{0, 4});

  const auto k = var<double, shape<5, 4>>::leaf(tensor<double, shape<5, 4>>::full(1));
  const auto z = einsum<"nc,mc->nm">(x.value(), k);
  REQUIRE(z.sizes() == sizes<2>{0, 5});
  backward(z, tensor<double, shape<n, 5>>::empty({0, 5}));
  REQUIRE(k.grad().defined());
  for (const double g : k.grad().values()) CHECK(g == 0);
  CHECK(einsum<"nc->c">(x.value())(3) == 0);
  CHECK_THROWS_WITH_AS((einsum<"nl,nm->lm">(tensor<double, shape<n, l>>::empty({2, 0}), tensor<double, W>::empty({2, 3}))),
                       doctest::Contains("dcs::einsum: sizes [2, 0] are 0 at axis 1"), error);
}

TEST_CASE("equal names with other sizes are an error that names both") {
  const auto a = tensor<float, shape<n, c>>::full({2, 3}, 1);
  const auto b = tensor<float, shape<m, c>>::full({4, 5}, 1);
  CHECK_THROWS_WITH_AS((einsum<"ic,jc->ij">(a, b)),
                       doctest::Contains("dcs::einsum: axis 1 (c) of sizes [4, 5] is 5, but axis 1 (c) of sizes [2, 3] is 3"), error);
}
