// The kernels of softmax against the CPU op.
#include <dcs/ops/softmax/cuda.cuh>
#include <dcs/ops/softmax/softmax.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int Axis>
const auto op = [](const auto& x) { return softmax<Axis>(x); };

template <class Body, int... N>
void at_each(std::integer_sequence<int, N...>, const Body& body) {
  (body(std::integral_constant<int, N>{}), ...);
}

// Rows of 1, of less than a packet, of a part of a warp, of one, two and more packets a lane.
using short_rows = std::integer_sequence<int, 1, 3, 8, 21, 72, 256, 40, 201, 1000>;
// More than a lane's registers hold: whole packets, and not.
using long_rows = std::integer_sequence<int, 259, 2056>;

template <class Rows, class Body>
void over_rows(const Body& body) {
  at_each(Rows{}, [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t rows : {0, 1, 37}) body(random_normal<double, shape<dyn<"n">, C>>({C > 500 ? std::min<extent_t>(rows, 2) : rows, C}, {1, C}));
  });
}
template <class Body>
void over_columns(const Body& body) {
  at_each(std::integer_sequence<int, 2, 8, 24>{}, [&]<int C>(std::integral_constant<int, C>) {
    for (extent_t outer : {0, 1, 3})
      for (extent_t n : {1, 5}) body(random_normal<double, shape<dyn<"o">, dyn<"n">, 3, C>>({outer, n, 3, C}, {2, C}));
  });
}

}  // namespace

TEST_CASE("kernel softmax_rows_forward: equals the CPU op") {
  over_rows<short_rows>([](const auto& x) { kernel_test::compare(op<1>, x); });
}
TEST_CASE("kernel softmax_rows_backward: passes the gradient check") {
  over_rows<short_rows>([](const auto& x) { CHECK(kernel_test::gradcheck(op<1>, x) < 1e-6); });
}
TEST_CASE("kernel softmax_long_rows_forward: equals the CPU op, for any range of values and any position of the largest") {
  over_rows<long_rows>([](const auto& x) {
    kernel_test::compare(op<1>, x);
    if (x.size() == 0) return;
    const auto wide = x.clone();
    for (extent_t i = 0; i < wide.size(); ++i) wide.data()[i] *= 100;
    wide.data()[wide.size() - 1] = 1e4, wide.data()[0] = -std::numeric_limits<double>::infinity();
    const auto wanted = eval(softmax<1>(wide));
    CHECK(kernel_test::difference(to<cpu_device>(eval(softmax<1>(to<kernel_test::target>(kernel_test::rounded<float>(wide))))), wanted) < 1e-5);
  });
}
TEST_CASE("kernel softmax_long_rows_backward: passes the gradient check") {
  over_rows<long_rows>([](const auto& x) { CHECK(kernel_test::gradcheck(op<1>, x) < 1e-6); });
}
TEST_CASE("kernel softmax_columns_forward: equals the CPU op") {
  over_columns([](const auto& x) { kernel_test::compare(op<1>, x); });
}
TEST_CASE("kernel softmax_columns_backward: passes the gradient check") {
  over_columns([](const auto& x) { CHECK(kernel_test::gradcheck(op<1>, x) < 1e-6); });
}
