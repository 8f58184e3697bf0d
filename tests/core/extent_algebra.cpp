// Expressions over extents: normal forms, spellings, what cannot be said, and the rule behind all of it, that an expression's size is what its text
// says.
#include <dcs/core/shape.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

constexpr extent a = dyn<"a">, b = dyn<"b">, h = dyn<"height">, w = dyn<"width">;

template <extent E>
constexpr bool refused = !detail::is_valid(E);

// The size of an extent for values of the names a and b.
constexpr extent_t size_of(extent e, extent_t value_a, extent_t value_b) {
  if (is_static(e)) return static_cast<extent_t>(e);
  const auto p = detail::parts_of(e);
  extent sum = -p.offset;
  for (int i = 0; i < p.sum.count; ++i) sum += p.sum.terms[i].factor * (p.sum.terms[i].name == detail::unpack(a).text ? value_a : value_b);
  const extent n = -detail::floor_of(-sum, p.divisor);
  return n < 0 ? 0 : static_cast<extent_t>(n);
}

}  // namespace

// Equal expressions are equal types.
static_assert(plus(a, b) == plus(b, a) && plus(a, a) == times(a, 2) && plus(times(a, 2), a) == times(a, 3));
static_assert(plus(plus(a, b), plus(a, 1)) == plus(plus(times(a, 2), 1), b));
static_assert(divided(minus(times(h, 2), 2), 2) == minus(h, 1) && divided(times(h, 4), 2) == times(h, 2) && times(divided(h, 4), 4) == h);
static_assert(divided(minus(times(h, 2), 1), 2) == h && divided(plus(times(h, 2), 1), 2) == plus(h, 1));  // rounded up
static_assert(windowed(times(h, 2), 2, 2, 0) == h && windowed(times(h, 2), 3, 2, 1) == h &&
              windowed(times(h, 6), 4, 4, 0) != divided(times(h, 3), 2));
static_assert(times(divided(h, 4), 2) == divided(h, 2) && times(divided(h, 2), 3) == divided(times(h, 3), 2));
static_assert(plus(divided(h, 2), w) == divided(plus(h, times(w, 2)), 2) && plus(divided(h, 2), divided(h, 2)) == h);
static_assert(plus(divided(h, 2), divided(w, 3)) == divided(plus(times(h, 3), times(w, 2)), 6));
static_assert(minus(plus(a, b), a) == b && minus(a, a) == 0 && minus(plus(a, 5), a) == 5 && minus(times(a, 3), a) == times(a, 2));
static_assert(minus(divided(h, 2), minus(divided(h, 2), 1)) == 1 && plus(h, -1) == minus(h, 1) && minus(h, -1) == plus(h, 1));
static_assert(minus(h, divided(h, 2)) == windowed(h, 2, 2, 0));  // what is left of it is rounded down
static_assert(plus(2, 3) == 5 && minus(5, 2) == 3 && times(4, 3) == 12 && divided(7, 2) == 4 && times(h, 0) == 0 && times(h, 1) == h);
static_assert(windowed(times(plus(a, b), 2), 1, 2, 0) == plus(a, b));
static_assert(std::is_same_v<shape<plus(a, b), 3>, shape<plus(b, a), 3>> && !std::is_same_v<shape<plus(a, b)>, shape<a>>);
static_assert(shape<2, 3>::extents == sizes<2>{2, 3} && std::is_same_v<decltype(extent_of<shape<h, 3>, 1>), const extent_t>);

// Names of up to 19 characters, and of a text as long; factors, offsets and divisors within their ranges.
static_assert(dyn<"height_of_the_image"> != dyn<"height_of_the_imagf"> && dyn<"a_1"> != dyn<"a1">);
static_assert(!refused<plus(dyn<"abcdefghi">, dyn<"abcdefghj">)> && refused<plus(dyn<"abcdefghi">, dyn<"abcdefghjk">)>);
static_assert(!refused<times(dyn<"abcdefghijklmnopq">, 9)> && refused<times(dyn<"abcdefghijklmnopq">, 10)>);
static_assert(!refused<minus(a, 2047)> && refused<minus(a, 2048)> && !refused<plus(a, 2047)> && refused<plus(a, 2048)>);
static_assert(!refused<divided(a, 4096)> && refused<divided(a, 4097)> && refused<divided(divided(a, 4096), 2)>);
static_assert(windowed_fits(a, 1, 4096, 0, 1) && !windowed_fits(a, 1, 4097, 0, 1) && !windowed_fits(a, 2049, 1, 0, 1));
// Names with negative factors and products of names are not said; nor is anything made of what is not.
static_assert(refused<minus(a, b)> && refused<minus(a, times(a, 2))> && refused<minus(3, a)> && refused<times(a, b)> && refused<times(a, -1)> &&
              refused<divided(a, 0)> && refused<divided(a, b)>);
static_assert(refused<plus(minus(a, b), b)> && refused<times(minus(a, b), 2)> && refused<divided(minus(a, b), 2)> &&
              refused<windowed(minus(a, b), 1, 1, 0)> && refused<unwindowed(minus(a, b), 2, 2, 0)>);
// An extent that was stored in 64 bits is none.
static_assert(refused<static_cast<extent_t>(dyn<"height">)> && refused<-1>);

TEST_CASE("extents as messages show them") {
  const auto shows = [](extent e, const char* text) { CHECK(to_string(e) == text); };
  shows(64, "64"), shows(0, "0"), shows(-3, "-3"), shows(h, "height"), shows(dyn<"height_of_the_image">, "height_of_the_image");
  shows(dyn<"a_1">, "a_1"), shows(dyn<"9z">, "9z");
  shows(times(h, 2), "height*2"), shows(plus(b, a), "a+b"), shows(plus(times(b, 12), a), "a+b*12");
  shows(minus(h, 1), "height-1"), shows(plus(h, 1), "height+1"), shows(minus(times(h, 2), 3), "height*2-3"), shows(plus(plus(a, b), 7), "a+b+7");
  shows(divided(h, 4), "height/4"), shows(minus(divided(h, 2), 1), "height/2-1"), shows(plus(divided(h, 2), 1), "height/2+1");
  shows(divided(minus(h, 1), 2), "(height-1)/2"), shows(divided(plus(h, 1), 2), "(height+1)/2");
  shows(minus(divided(minus(h, 1), 2), 3), "(height-1)/2-3"), shows(plus(divided(plus(h, 2), 3), 2), "(height+2)/3+2"),
      shows(plus(divided(plus(h, 1), 3), 2), "(height+1)/3+2");
  shows(divided(times(h, 3), 2), "height*3/2"), shows(divided(plus(a, b), 2), "(a+b)/2"), shows(divided(plus(plus(a, b), 1), 4), "(a+b+1)/4");
  shows(minus(a, 2047), "a-2047"), shows(divided(a, 4096), "a/4096");
  shows(minus(a, b), "?");
}

TEST_CASE("an expression has the size of its parts") {
  // With whole numbers, and where one part was never divided, for every size; where quotients are added or multiplied, for sizes that they divide.
  const extent e[] = {a,
                      b,
                      minus(a, 1),
                      plus(b, 2),
                      times(a, 3),
                      minus(times(b, 4), 2),
                      plus(a, b),
                      divided(a, 2),
                      windowed(a, 2, 2, 0),
                      windowed(a, 3, 2, 1),
                      minus(divided(b, 4), 1),
                      divided(plus(times(a, 2), b), 4),
                      windowed(minus(times(a, 3), 2), 5, 4, 1)};
  for (const extent x : e)
    for (const extent_t na : {12, 13, 14, 15, 16, 24, 36, 48})
      for (const extent_t nb : {12, 17, 24, 48}) {
        CAPTURE(to_string(x));
        const extent_t n = size_of(x, na, nb);
        for (const extent_t k : {1, 2, 3, 5}) {
          CHECK(size_of(plus(x, k), na, nb) == n + k);
          CHECK(size_of(minus(x, k), na, nb) == std::max<extent_t>(n - k, 0));
          CHECK(size_of(divided(x, k), na, nb) == (n + k - 1) / k);
          for (const extent_t padding : {0, 1, 2}) CHECK(size_of(windowed(x, 3, k, padding), na, nb) == windowed(n, 3, k, padding));
          if (detail::parts_of(x).divisor == 1 || (na % 12 == 0 && nb % 12 == 0 && detail::parts_of(x).offset == 0))
            CHECK(size_of(times(x, k), na, nb) == n * k);
          if (detail::parts_of(x).divisor == 1)
            for (const extent_t padding : {0, 1}) CHECK(size_of(unwindowed(x, 3, k, padding), na, nb) == unwindowed(n, 3, k, padding));
        }
        for (const extent y : e) {
          CAPTURE(to_string(y));
          const bool exact = detail::parts_of(x).divisor == 1 || detail::parts_of(y).divisor == 1;
          const bool whole = na % 12 == 0 && nb % 12 == 0 && detail::parts_of(x).offset == 0 && detail::parts_of(y).offset == 0;
          if (exact || whole) CHECK(size_of(plus(x, y), na, nb) == n + size_of(y, na, nb));
          if (detail::is_valid(minus(x, y)) && (exact || whole)) CHECK(size_of(minus(x, y), na, nb) == n - size_of(y, na, nb));
        }
      }
}
