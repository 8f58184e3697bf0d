// Small allocations that fail, each in turn, in a forward and backward pass: std::bad_alloc is thrown, no memory stays in use, and later passes are
// correct.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/ops/softmax/softmax.hpp>

#include "../core/failing_new.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using X = shape<dyn<"n">, 6>;
using W = shape<6, 5>;

}  // namespace

TEST_CASE("every small allocation of a pass may fail") {
  set_threads(2);
  auto x = var<double, X>::leaf(random_normal<double, X>({4, 6}, {1, 1}));
  auto w = var<double, W>::leaf(random_normal<double, W>(W::extents, {1, 2}));
  const auto pass = [&] {
    const auto p = eval(softmax<-1>(matmul(eval(x * 2 + x), w)));
    backward(sum_all(square(p) + p));
  };
  pass();
  const auto gx = x.grad().clone();
  const auto gw = w.grad().clone();
  x.clear_grad(), w.clear_grad();
  const auto before = host_allocator::get().statistics().live_bytes;
  long n = 0;
  for (bool failed = true; failed; ++n) {
    CAPTURE(n);
    {
      const failing_new::scope one(n);
      try {
        pass();
      } catch (const std::bad_alloc&) {
      }
      failed = one.failed();
    }
    if (failed) x.clear_grad(), w.clear_grad();
    if (failed) REQUIRE(host_allocator::get().statistics().live_bytes == before);
  }
  CHECK(n > 20);
  for (extent_t i = 0; i < gx.size(); ++i) CHECK(x.grad().data()[i] == gx.data()[i]);
  for (extent_t i = 0; i < gw.size(); ++i) CHECK(w.grad().data()[i] == gw.data()[i]);
}

TEST_CASE("a record can be freed when small allocations fail") {
  auto leaf = var<double, X>::leaf(random_normal<double, X>({4, 6}, {1, 1}));
  auto y = eval(leaf * 1);
  for (int i = 0; i < 1000; ++i) y = eval(y + y * 0.5);
  const failing_new::scope first(0);
  y = {};
  CHECK(failing_new::made == 0);
}
