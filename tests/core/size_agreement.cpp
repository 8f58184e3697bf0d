// Sizes at run time against expressions: of one shape, and of the operands of an op.
#include <dcs/core/tensor.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent a = dyn<"a">, b = dyn<"b">, h = dyn<"h">;

template <class S>
void fits(const sizes<S::rank>& s) {
  CAPTURE(to_string(s));
  CHECK(tensor<std::uint8_t, S>::empty(s).sizes() == s);
}
template <class S>
void refused(const sizes<S::rank>& s, const char* words) {
  CAPTURE(to_string(s));
  CHECK_THROWS_WITH_AS((tensor<std::uint8_t, S>::empty(s)), doctest::Contains(words), error);
}

template <class... S>
void agree(const sizes<S::rank>&... s) {
  detail::expect_names("dcs::op", {detail::sized_extents{detail::extents_of<S>.data(), s.data(), s.size()}...});
}

}  // namespace

TEST_CASE("multiples, sums and quotients of a name in one shape") {
  using S = shape<h, times(h, 2), minus(times(h, 2), 1), divided(times(h, 3), 2)>;
  for (const extent_t n : {1, 2, 3, 7}) fits<S>({n, 2 * n, 2 * n - 1, (3 * n + 1) / 2});
  refused<S>({3, 5, 5, 5}, "sizes [3, 5, 5, 5] do not fit the shape [h, h*2, h*2-1, h*3/2] at axis 1");
  refused<S>({3, 6, 6, 5}, "at axis 2");
  refused<S>({3, 6, 5, 4}, "at axis 3");
  // By itself: no number doubled is 3, none times 4 less 1 is 4.
  refused<shape<times(h, 2)>>({3}, "sizes [3] do not fit the shape [h*2] at axis 0");
  refused<shape<minus(times(h, 4), 1)>>({4}, "at axis 0");
  fits<shape<minus(times(h, 4), 1)>>({7});
  // Without the name itself: a half of 3 is of 5 or 6, which doubled is 10 or 12.
  fits<shape<divided(h, 2), times(h, 2)>>({3, 10}), fits<shape<divided(h, 2), times(h, 2)>>({3, 12});
  refused<shape<divided(h, 2), times(h, 2)>>({3, 14}, "at axis 1");
  fits<shape<h, times(h, 2)>>({0, 0});
}

TEST_CASE("sums agree with their names") {
  using S = shape<plus(a, b), a, b>;
  fits<S>({5, 2, 3}), fits<S>({0, 0, 0});
  refused<S>({6, 2, 3}, "sizes [6, 2, 3] do not fit the shape [a+b, a, b] at axis 0");
  using H = shape<divided(plus(a, times(b, 2)), 2), divided(a, 2), b>;  // a/2 + b, of a of 3 or 4
  fits<H>({5, 2, 3});
  refused<H>({6, 2, 3}, "at axis 0");
  refused<H>({4, 2, 3}, "at axis 0");
  fits<shape<plus(a, b), a>>({5, 2});  // b is unknown
  using M = shape<plus(a, b), times(plus(a, b), 2)>;
  fits<M>({5, 10});
  refused<M>({5, 11}, "at axis 1");
}

TEST_CASE("sums agree over the operands of an op") {
  agree<shape<a, 2>, shape<b, 2>, shape<plus(a, b), 2>>({2, 2}, {3, 2}, {5, 2});
  CHECK_THROWS_WITH_AS((agree<shape<a, 2>, shape<b, 2>, shape<plus(a, b), 2>>({2, 2}, {3, 2}, {6, 2})),
                       doctest::Contains("dcs::op: an axis (a+b) is 6, but a is 2, b is 3; equal names are equal sizes"), error);
  agree<shape<a, 2>, shape<plus(a, b), 2>>({2, 2}, {6, 2});
  CHECK_THROWS_WITH_AS((agree<shape<h, 2>, shape<times(h, 2), 2>>({2, 2}, {5, 2})), doctest::Contains("(h*2) of sizes [5, 2] is 5, but axis 0 (h)"),
                       error);
  CHECK_THROWS_WITH_AS((agree<shape<plus(a, b)>, shape<plus(b, a)>>({2}, {3})), doctest::Contains("(a+b)"), error);
}

TEST_CASE("sizes that an operand tells") {
  using S = shape<a, times(b, 2), divided(h, 2)>;
  const sizes<3> s{3, 8, 5};
  const detail::sized_extents x{detail::extents_of<S>.data(), s.data(), s.size()};
  const auto told = [&](extent e) { return detail::size_told_by(x, e); };
  CHECK((told(7) == 7 && told(a) == 3 && told(b) == 4 && told(times(a, 4)) == 12 && told(plus(a, b)) == 7 && told(divided(h, 2)) == 5));
  CHECK((told(divided(a, 2)) == 2 && told(minus(a, 5)) == 0));
  CHECK((told(h) == -1 && told(dyn<"other">) == -1 && told(plus(a, h)) == -1));
  const sizes<3> none{0, 0, 5};
  CHECK((detail::size_told_by({x.extents, none.data(), 3}, times(a, 4)) == 0 && detail::size_told_by({x.extents, none.data(), 3}, b) == 0));
}
