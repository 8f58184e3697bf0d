// Several backward passes over one record, and freeing records.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/ops/roi_align/roi_align.hpp>

#include <doctest/doctest.h>

#include <pthread.h>

using namespace dcs;

namespace {

using S = shape<4>;
using leaf_type = var<double, S>;

leaf_type ones() { return leaf_type::leaf(tensor<double, S>::full(1)); }
double gradient_of(const leaf_type& x) { return x.has_grad() ? x.grad()(2) : 0; }

// A recorded value over the memory of x: the gradient passes as it is, after `act`.
template <class Act>
leaf_type through(const leaf_type& x, Act act) {
  return record(
      x.value(),
      [gx = sink_of(x), act](const tensor<double, S>& dy) {
        act();
        gx.add(dy);
      },
      x);
}
const auto nothing = [] {};

// body() on a thread with a stack of 256 KB.
template <class Body>
void on_small_stack(Body body) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 << 10) == 0);
  pthread_t thread;
  const auto run = [](void* b) -> void* {
    (*static_cast<Body*>(b))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &body) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("a second pass through what a first one has used up is an error that changes no gradient") {
  auto leaf = ones(), other = ones();
  const auto shared = eval(leaf * 2);
  const auto a = sum_all(shared * 3), b = sum_all(shared * 5 + other), c = sum_all(other * 7);
  backward(a);
  CHECK(gradient_of(leaf) == 6);
  for (int again = 0; again < 2; ++again) {
    CHECK_THROWS_WITH_AS(backward(b), doctest::Contains("dcs::backward: an earlier backward pass has used up"), error);
    CHECK_THROWS_WITH_AS(backward(a), doctest::Contains("dcs::backward: this value was sent back before"), error);
    CHECK_THROWS_WITH_AS(backward(sum_all(shared)), doctest::Contains("used up"), error);  // recorded after the pass
  }
  CHECK(gradient_of(leaf) == 6);
  CHECK_FALSE(other.has_grad());
  backward(c);  // a part of what an error has looked at
  CHECK(gradient_of(other) == 7);
  const auto d = sum_all(eval(leaf * 2) * 5 + other);  // what was shared, computed again
  backward(d);
  CHECK(gradient_of(leaf) == 16);
  CHECK(gradient_of(other) == 8);
}

TEST_CASE("a value may occur many times in one pass, and records that no gradient reaches are used up with the rest") {
  auto leaf = ones();
  const auto shared = eval(leaf * 2);
  const auto unreached = record(
      shared.value(), [](const tensor<double, S>&) {}, shared);  // sends nothing on
  const auto below = eval(unreached * 3);
  backward(sum_all(shared * 3 + shared * 5 + (below + shared)));
  CHECK(gradient_of(leaf) == 18);
  CHECK_THROWS_AS(backward(sum_all(below)), error);
}

TEST_CASE("backward on a leaf adds to its gradient each time; on a constant it does nothing; a gradient without memory is an error") {
  auto leaf = ones();
  const auto two = tensor<double, S>::full(2);
  backward(leaf, two);
  backward(leaf, two);
  CHECK(gradient_of(leaf) == 4);
  CHECK(two(0) == 2);  // what was given is not added to
  const leaf_type constant(tensor<double, S>::full(1));
  backward(constant, two);
  backward(sum_all(constant * 3));
  backward(sum_all(constant * 3));
  CHECK_FALSE(constant.has_grad());
  CHECK_THROWS_WITH_AS(backward(leaf, tensor<double, S>()), doctest::Contains("without memory"), error);
  CHECK_THROWS_WITH_AS(backward(eval(leaf * 2), tensor<double, S>()), doctest::Contains("without memory"), error);
}

TEST_CASE("crops of one step are used by one pass together") {
  using maps = shape<1, 8, 8, 2>;
  auto x = var<double, maps>::leaf(random_normal<double, maps>(maps::extents, {1, 1}));
  const auto rois = tensor<double, shape<1, 5>>::from(std::vector<double>{0, 1, 1, 7, 7});
  const auto crop = roi_align<4>(x, rois, {});
  backward(sum_all(crop));
  const auto first = x.grad().clone();
  CHECK_THROWS_AS(backward(sum_all(crop * 2)), error);
  for (extent_t i = 0; i < first.size(); ++i) CHECK(x.grad().data()[i] == first.data()[i]);
}

TEST_CASE("where a step throws, the pass ends with the error and the rest of the record is freed, not kept for a later pass") {
  auto leaf = ones();
  const auto before = host_allocator::get().statistics().live_bytes;
  {
    const auto start = through(leaf, nothing);
    const auto thrower = through(start, [] { fail("a step of the user's"); });
    const auto beside = eval(start * 2), end = eval(thrower + beside);
    const auto y = sum_all(end);
    CHECK_THROWS_WITH_AS(backward(y), "a step of the user's", error);
    CHECK_THROWS_AS(backward(sum_all(beside)), error);
    CHECK_THROWS_AS(backward(sum_all(start)), error);
    leaf.clear_grad();
  }
  CHECK(host_allocator::get().statistics().live_bytes == before);
  backward(sum_all(through(leaf, nothing)));
  CHECK(gradient_of(leaf) == 1);
}

TEST_CASE("a pass within a step: it may use other records, but not those of the running pass") {
  auto leaf = ones(), other = ones();
  const auto inner = sum_all(other * 3);
  backward(sum_all(through(leaf, [&] { backward(inner); })));
  CHECK(gradient_of(leaf) == 1);
  CHECK(gradient_of(other) == 3);
  leaf_type y;
  y = through(leaf, [&] { backward(y, tensor<double, S>::full(1)); });
  CHECK_THROWS_WITH_AS(backward(y, tensor<double, S>::full(1)), doctest::Contains("sent back before"), error);
}

TEST_CASE("a step that adds a gradient to something that is not one of its inputs is an error") {
  auto leaf = ones();
  const auto named = through(leaf, nothing), unnamed = through(leaf, nothing);
  const auto y = record(
      named.value(), [to = sink_of(unnamed)](const tensor<double, S>& dy) { to.add(dy); }, named);
  CHECK_THROWS_WITH_AS(backward(sum_all(y)), doctest::Contains("dcs::record"), error);
}

TEST_CASE("chains of any length are freed, and backpropagated, on a stack of 256 KB") {
  const auto before = host_allocator::get().statistics().live_bytes;
  double gradient = 0, of_equations = 0;
  on_small_stack([&] {
    auto leaf = ones();
    const auto chain = [&](int n) {
      auto y = through(leaf, nothing);
      for (int i = 1; i < n; ++i) y = through(y, nothing);
      return y;
    };
    const auto equations = [&](int n) {
      auto y = eval(leaf * 1);
      for (int i = 0; i < n; ++i) y = eval(y + y * 1e-6);
      return y;
    };
    { const auto kept = chain(300'000); }
    backward(chain(300'000), tensor<double, S>::full(3));
    gradient = gradient_of(leaf);
    {
      const auto kept = equations(30'000);
      // Many values that hold the last handles of one another, freed in any order.
      std::vector<leaf_type> values{kept};
      for (int i = 0; i < 1000; ++i) values.push_back(eval(values.back() + values[values.size() / 2]));
    }
    leaf.clear_grad();
    backward(equations(1000), tensor<double, S>::full(1));
    of_equations = gradient_of(leaf);
    // A step that throws leaves a long record to be freed.
    const auto first = chain(100'000);
    auto y = through(first, [] { fail("stop"); });
    for (int i = 0; i < 100'000; ++i) y = through(y, nothing);
    CHECK_THROWS_AS(backward(y, tensor<double, S>::full(1)), error);
  });
  CHECK(gradient == 3);
  CHECK(of_equations == doctest::Approx(std::pow(1 + 1e-6, 1000)));
  CHECK(host_allocator::get().statistics().live_bytes == before);
}
