// The kernels of resizing against the CPU op.
#include <dcs/ops/resize/cuda.cuh>
#include <dcs/ops/resize/resize.hpp>

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int C>
using map = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;

enum class way { aligned, half_pixel, nearest };

// x resized to height × width.
template <way How>
auto to_size(extent_t height, extent_t width) {
  return [=](const auto& x) {
    using D = device_t<std::remove_cvref_t<decltype(x)>>;
    const auto like = tensor<value_t<decltype(x)>, shape<1, dyn<"p">, dyn<"q">, 1>, D>::zeros({1, height, width, 1});
    if constexpr (How == way::aligned)
      return resize_bilinear_like<corners::aligned>(x, like);
    else if constexpr (How == way::half_pixel)
      return resize_bilinear_like<corners::half_pixel>(x, like);
    else
      return resize_nearest_like(x, like);
  };
}

// From and to a single pixel, to larger, to smaller, to a multiple, to nearly the same; channels of a packet and not.
template <way How, class Body>
void over_sizes(const Body& body) {
  struct one {
    extent_t h, w, to_h, to_w;
  };
  for (const auto& s :
       {one{1, 1, 3, 5}, one{4, 5, 1, 1}, one{2, 3, 16, 9}, one{7, 6, 3, 13}, one{9, 1, 2, 4}, one{4, 4, 8, 8}, one{11, 13, 4, 3}, one{6, 5, 7, 5}}) {
    for (extent_t n : {0, 2}) {
      body(to_size<How>(s.to_h, s.to_w), random_normal<double, map<8>>({n, s.h, s.w, 8}, {1, 1}));
      body(to_size<How>(s.to_h, s.to_w), random_normal<double, map<3>>({n, s.h, s.w, 3}, {1, 2}));
    }
  }
}
template <class Body>
void every_way(const Body& body) {
  over_sizes<way::aligned>(body);
  over_sizes<way::half_pixel>(body);
  over_sizes<way::nearest>(body);
}

}  // namespace

TEST_CASE("kernel resize_forward: equals the CPU op, both corner conventions and nearest") {
  every_way([](const auto& f, const auto& x) { kernel_test::compare(f, x); });
  // Larger extents, where float positions would be rounded.
  kernel_test::compare_in<float>(to_size<way::aligned>(301, 2), random_normal<double, map<1>>({1, 97, 3, 1}, {2, 1}));
  kernel_test::compare_in<float>(to_size<way::half_pixel>(2, 97), random_normal<double, map<1>>({1, 3, 301, 1}, {2, 2}));
}
TEST_CASE("kernel resize_backward: passes the gradient check") {
  every_way([](const auto& f, const auto& x) { CHECK(kernel_test::gradcheck(f, x) < 1e-6); });
}
TEST_CASE("an axis says which outputs an input has a share in, and misses none") {
  for (auto how : {resampling::nearest, resampling::aligned, resampling::half_pixel})
    for (std::int64_t in = 1; in < 20; ++in)
      for (std::int64_t out = 1; out < 20; ++out) {
        const cuda::detail::resize_axis axis(in, out, how);
        for (std::int64_t i = 0; i < in; ++i) {
          std::int64_t begin, end;
          axis.outputs_of(i, begin, end);
          CHECK(begin >= 0);
          CHECK(end <= out);
          for (std::int64_t o = 0; o < out; ++o) {
            double share;
            const auto low = axis.tap(o, share);
            if (low == i || (low + 1 == i && share > 0)) CHECK((begin <= o && o < end));
          }
        }
      }
}
