// Convolutions of rows and volumes: gradients against differences, bits by number of threads, types of results, errors and work. PyTorch's are
// compared in conv3d_goldens.cpp.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/nn/layers_1d_3d.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

using volume = shape<dyn<"batch">, dyn<"depth">, dyn<"height">, dyn<"width">, 4>;
using rows = shape<dyn<"batch">, dyn<"length">, 4>;
template <int Stride, int C>
using shrunk =
    shape<dyn<"batch">, windowed(dyn<"depth">, 1, Stride, 0), windowed(dyn<"height">, 1, Stride, 0), windowed(dyn<"width">, 1, Stride, 0), C>;

template <int K, int Stride, int Padding, int Dilation, int Groups>
void check_gradient(extent_t n, extent_t side) {
  const auto x = random_normal<double, volume>({n, side, side + 1, side, 4}, {1, 1});
  const auto w = random_normal<double, shape<K, K, K, 4 / Groups, 6>>({K, K, K, 4 / Groups, 6}, {1, 2});
  const auto b = random_normal<double, shape<6>>({6}, {1, 3});
  const auto f = [](const auto&... a) { return conv3d<Stride, Padding, Dilation, Groups>(a...); };
  CHECK(gradcheck(f, {5, 5}, 8, x, w) < 1e-6);
  CHECK(gradcheck([&](const auto&... a) { return relu(f(a...)); }, {5, 6}, 8, x, w, b) < 1e-6);
  const auto r = random_normal<double, rows>({n, side + 2, 4}, {1, 4});
  const auto v = random_normal<double, shape<K, 4 / Groups, 6>>({K, 4 / Groups, 6}, {1, 5});
  CHECK(gradcheck([](const auto&... a) { return conv1d<Stride, Padding, Dilation, Groups>(a...); }, {5, 7}, 8, r, v, b) < 1e-6);
}
template <int K, int Stride, int Padding, int OutputPadding, int Dilation, int Groups>
void check_transposed_gradient(extent_t n, extent_t side) {
  using X = shrunk<Stride, 4>;
  const auto x = random_normal<double, X>({n, side + 1, side, side, 4}, {1, 1});
  const auto w = random_normal<double, shape<K, K, K, 6 / Groups, 4>>({K, K, K, 6 / Groups, 4}, {1, 2});
  const auto b = random_normal<double, shape<6>>({6}, {1, 3});
  const auto f = [](const auto&... a) { return conv_transpose3d<Stride, Padding, OutputPadding, Groups, Dilation>(a...); };
  CHECK(gradcheck(f, {5, 5}, 8, x, w) < 1e-6);
  CHECK(gradcheck([&](const auto&... a) { return relu(f(a...)); }, {5, 6}, 8, x, w, b) < 1e-6);
  using R = shape<extent_of<X, 0>, extent_of<X, 1>, 4>;
  const auto r = random_normal<double, R>({n, side + 2, 4}, {1, 4});
  const auto v = random_normal<double, shape<K, 6 / Groups, 4>>({K, 6 / Groups, 4}, {1, 5});
  CHECK(gradcheck([](const auto&... a) { return conv_transpose1d<Stride, Padding, OutputPadding, Groups, Dilation>(a...); }, {5, 7}, 8, r, v, b) <
        1e-6);
}

}  // namespace

TEST_CASE("conv1d and conv3d pass the gradient check in double") {
  // Each kind in 20 shapes: with padding, strided, dilated, grouped, of one tap, even.
  for (extent_t n : {0, 1, 2})
    for (extent_t side : {1, 2, 3, 4, 5, 6, 7}) {
      CAPTURE(n);
      CAPTURE(side);
      check_gradient<3, 1, 1, 1, 1>(n, side);
      check_gradient<3, 2, 1, 1, 2>(n, side);
      check_gradient<3, 1, 2, 2, 1>(n, side);
      check_gradient<1, 1, 0, 1, 2>(n, side);
      if (side > 1) check_gradient<2, 2, 0, 1, 1>(n, side);
    }
}

TEST_CASE("conv_transpose1d and conv_transpose3d pass the gradient check in double") {
  // Each kind in 21 shapes: patches, overlapping with output padding, of stride 1, grouped, dilated, with voxels that no tap reaches.
  for (extent_t n : {0, 1, 2})
    for (extent_t side : {1, 2, 3, 4, 5, 6, 7}) {
      CAPTURE(n);
      CAPTURE(side);
      check_transposed_gradient<2, 2, 0, 0, 1, 1>(n, side);
      check_transposed_gradient<3, 2, 1, 1, 1, 2>(n, side);
      check_transposed_gradient<3, 1, 1, 0, 1, 1>(n, side);
      if (side < 4) check_transposed_gradient<3, 2, 2, 1, 2, 1>(n, side + 1);
      if (side < 5) check_transposed_gradient<1, 3, 0, 2, 1, 1>(n, side);
    }
}

TEST_CASE("a convolution of volumes gives the same bits with any number of threads") {
  const int before = threads();
  const auto x = random_normal<float, shape<2, 7, 9, 8, 6>>({2, 7, 9, 8, 6}, {2, 1});
  const auto w = random_normal<float, shape<3, 3, 3, 6, 10>>({3, 3, 3, 6, 10}, {2, 2});
  const auto up = random_normal<float, shape<2, 2, 2, 6, 10>>({2, 2, 2, 6, 10}, {2, 3});
  const auto run = [&](int n) {
    set_threads(n);
    const auto vx = var<float, shape<2, 7, 9, 8, 6>>::leaf(x);
    const auto vw = var<float, shape<3, 3, 3, 6, 10>>::leaf(w);
    const auto y = conv_transpose3d<2>(conv3d<1, 1>(vx, vw), up);
    backward(mean_all(y * y));
    std::vector<float> all(y.data(), y.data() + y.size());
    all.insert(all.end(), vx.grad().data(), vx.grad().data() + x.size());
    all.insert(all.end(), vw.grad().data(), vw.grad().data() + w.size());
    return all;
  };
  const auto one = run(1);
  for (int n : {2, 5}) CHECK(run(n) == one);
  set_threads(before);
}

TEST_CASE("the extents of every axis are part of the result's type") {
  const auto x = tensor<float, volume>::zeros({2, 8, 12, 16, 4});
  const auto same = conv3d<1, 1>(x, tensor<float, shape<3, 3, 3, 4, 5>>::zeros());
  static_assert(std::is_same_v<shape_t<decltype(same)>, with_extent<volume, 4, 5>>);
  const auto half = conv3d<2, 1>(x, tensor<float, shape<3, 3, 3, 4, 6>>::zeros());
  CHECK(to_string(extent_of<shape_t<decltype(half)>, 1>) == "depth/2");
  CHECK(to_string(extent_of<shape_t<decltype(half)>, 2>) == "height/2");
  CHECK(to_string(extent_of<shape_t<decltype(half)>, 3>) == "width/2");
  CHECK(half.sizes() == sizes<5>{2, 4, 6, 8, 6});
  const auto back = conv_transpose3d<2>(half, tensor<float, shape<2, 2, 2, 4, 6>>::zeros());
  static_assert(std::is_same_v<decltype(back), const tensor<float, volume>>);
  CHECK(eval(concat<-1>(x, back)).sizes() == sizes<5>{2, 8, 12, 16, 8});
  const auto twice = conv_transpose3d<2>(x, tensor<float, shape<2, 2, 2, 1, 4>>::zeros());
  CHECK(to_string(extent_of<shape_t<decltype(twice)>, 1>) == "depth*2");
  CHECK(twice.sizes() == sizes<5>{2, 16, 24, 32, 1});
  const auto pooled = max_pool3d<2>(x);
  static_assert(std::is_same_v<decltype(conv_transpose3d<2>(pooled, tensor<float, shape<2, 2, 2, 4, 4>>())), tensor<float, volume>>);
  const auto r = tensor<float, rows>::zeros({3, 10, 4});
  const auto halved = conv1d<2, 1>(r, tensor<float, shape<3, 4, 7>>::zeros());
  CHECK(to_string(extent_of<shape_t<decltype(halved)>, 1>) == "length/2");
  CHECK(halved.sizes() == sizes<3>{3, 5, 7});
  static_assert(std::is_same_v<decltype(conv_transpose1d<2>(halved, tensor<float, shape<2, 4, 7>>())), tensor<float, rows>>);

  // An odd depth comes back as one more slice, and an op over both volumes throws.
  const auto odd = tensor<float, volume>::zeros({1, 7, 8, 8, 4});
  const auto more =
      conv_transpose3d<2>(conv3d<2, 1>(odd, tensor<float, shape<3, 3, 3, 4, 6>>::zeros()), tensor<float, shape<2, 2, 2, 4, 6>>::zeros());
  CHECK(more.sizes() == sizes<5>{1, 8, 8, 8, 4});
  CHECK_THROWS_WITH_AS((eval(concat<-1>(odd, more))), doctest::Contains("dcs::concat"), error);
}

TEST_CASE("a map that is smaller than the kernel is an error, a batch of none is not") {
  const auto w = tensor<float, shape<3, 3, 3, 4, 2>>::zeros();
  CHECK_THROWS_WITH_AS((conv3d(tensor<float, volume>::zeros({1, 2, 5, 6, 4}), w)),
                       doctest::Contains("dcs::conv3d: a map of 2 × 5 × 6 is smaller than the 3 × 3 × 3 kernel"), error);
  CHECK_THROWS_WITH_AS((conv1d(tensor<float, rows>::zeros({1, 2, 4}), tensor<float, shape<3, 4, 2>>::zeros())),
                       doctest::Contains("dcs::conv1d: a map of 2 × 1 × 1 is smaller than the 3 × 1 × 1 kernel"), error);
  CHECK_THROWS_AS((conv3d<1, 1>(tensor<float, volume>::zeros({1, 4, 0, 6, 4}), w)), error);
  CHECK(conv3d(tensor<float, volume>::zeros({0, 4, 5, 6, 4}), w).sizes() == sizes<5>{0, 2, 3, 4, 2});
  const auto up = tensor<float, shape<3, 3, 3, 2, 4>>::zeros();
  CHECK_THROWS_WITH_AS((conv_transpose3d<1, 2>(tensor<float, volume>::zeros({1, 2, 6, 6, 4}), up)),
                       doctest::Contains("dcs::conv_transpose3d: nothing is left of a map of 2 × 6 × 6"), error);
  CHECK(conv_transpose3d<1, 1>(tensor<float, volume>::zeros({0, 2, 6, 6, 4}), up).sizes() == sizes<5>{0, 2, 6, 6, 2});
}

TEST_CASE("work is counted at compile time and at run time") {
  static_assert(macs<nn::conv3d<4, 6, 3>, shape<2, 5, 6, 7, 4>> == 2 * 5 * 6 * 7 * 27 * 4 * 6);
  static_assert(macs<nn::conv1d<4, 6, 3, 2>, shape<2, 9, 4>> == 2 * 5 * 3 * 4 * 6);
  static_assert(macs<nn::conv_transpose3d<8, 4, 2, 2>, shape<1, 3, 4, 5, 8>> == 3 * 4 * 5 * 8 * 8 * 4);
  static_assert(thop_macs<nn::conv_transpose3d<8, 4, 2, 2>, shape<1, 3, 4, 5, 8>> == 8 * 3 * 4 * 5 * 8 * 8 * 4);
  static_assert(macs<nn::conv_transpose1d<8, 4, 2, 2>, shape<1, 5, 8>> == 5 * 2 * 8 * 4);
  struct listener final : detail::work_listener {
    work total;
    void note(const void*, const extent_t*, int, work w) override { total += w; }
  } heard;
  detail::listener = &heard;
  conv3d<1, 1>(tensor<float, shape<2, 5, 6, 7, 4>>::zeros(), tensor<float, shape<3, 3, 3, 4, 6>>::zeros());
  conv_transpose3d<2>(tensor<float, shape<1, 3, 4, 5, 8>>::zeros(), tensor<float, shape<2, 2, 2, 4, 8>>::zeros());
  detail::listener = nullptr;
  CHECK(heard.total.multiply_adds == 2 * 5 * 6 * 7 * 27 * 4 * 6 + 3 * 4 * 5 * 8 * 8 * 4);
}
