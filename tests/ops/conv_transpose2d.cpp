// Transposed convolutions against their definition, their gradients against differences, and the types of their results. PyTorch's are compared in
// conv_transpose2d_goldens.cpp.
#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv_transpose2d/conv_transpose2d.hpp>
#include <dcs/ops/rearrange/rearrange.hpp>

#include "check_op.hpp"

using namespace dcs;

namespace {

// Of the convolution back: its result is the transposed convolution's input.
using cpu::conv2d_geometry;

// Every pixel of x adds the kernel times its value to y; sums in double, in the order of the pixels.
std::vector<double> definition(const conv2d_geometry& g, const std::vector<float>& x, const std::vector<float>& w, const std::vector<float>& shift) {
  std::vector<double> y(static_cast<std::size_t>(g.in_pixels() * g.in_c));
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<double>(shift[i % shift.size()]);
  for (std::int64_t pixel = 0; pixel < g.out_pixels(); ++pixel)
    for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
      const std::int64_t n = pixel / (g.out_h * g.out_w), h = pixel / g.out_w % g.out_h * g.stride - g.padding + tap / g.k_w * g.dilation,
                         v = pixel % g.out_w * g.stride - g.padding + tap % g.k_w * g.dilation;
      if (h < 0 || v < 0 || h >= g.in_h || v >= g.in_w) continue;
      for (std::int64_t o = 0; o < g.out_c; ++o)
        for (std::int64_t c = 0; c < g.group_in(); ++c)
          y[static_cast<std::size_t>(((n * g.in_h + h) * g.in_w + v) * g.in_c + o / g.group_out() * g.group_in() + c)] +=
              static_cast<double>(x[static_cast<std::size_t>(pixel * g.out_c + o)]) *
              static_cast<double>(w[static_cast<std::size_t>((tap * g.group_in() + c) * g.out_c + o)]);
    }
  return y;
}

std::vector<float> values(std::int64_t n, random_stream r) {
  std::vector<float> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(r.normal(i));
  return v;
}

conv2d_geometry random_geometry(random_stream r) {
  const std::int64_t channels[] = {1, 3, 4, 8, 12, 17, 32, 48}, batches[] = {0, 1, 2, 3};
  while (true) {
    r = r.child(9);
    const auto draw = [&](std::uint64_t i, std::uint32_t most) { return static_cast<std::int64_t>(r.below(i, most)); };
    const std::int64_t k_h = 1 + draw(0, 4), k_w = draw(1, 3) == 0 ? 1 + draw(2, 4) : k_h, stride = 1 + draw(3, 3), padding = draw(4, 3);
    const std::int64_t dilation = draw(5, 4) == 0 ? 2 : 1, output_padding = draw(6, static_cast<std::uint32_t>(stride));
    const std::int64_t kind = draw(7, 4);
    std::int64_t in = channels[draw(8, 8)], out = channels[draw(9, 8)], groups = 1;
    if (kind == 0) groups = in = out;
    if (kind == 1 && in % 2 == 0 && out % 2 == 0) groups = 2;
    const sizes<4> x{batches[draw(10, 4)], 1 + draw(11, 8), 1 + draw(12, 8), in}, w{k_h, k_w, out / groups, in};
    if (unwindowed(x[1], k_h, stride, padding, output_padding, dilation) >= 1 &&
        unwindowed(x[2], k_w, stride, padding, output_padding, dilation) >= 1)
      return detail::conv_transpose2d_geometry(x, w, stride, padding, output_padding, groups, dilation);
  }
}

template <class T>
std::vector<T> run(const conv2d_geometry& g, const std::vector<float>& x, const std::vector<float>& w, const std::vector<float>& shift) {
  const std::vector<T> tx(x.begin(), x.end()), tw(w.begin(), w.end()), ts(shift.begin(), shift.end());
  std::vector<T> y(static_cast<std::size_t>(g.in_pixels() * g.in_c), T(7));
  cpu::conv_transpose2d_forward<T>(cpu_device{}, g, tx.data(), tw.data(), ts.data(), y.data());
  return y;
}

template <class T>
double error_of(const conv2d_geometry& g, std::uint64_t seed) {
  const auto x = values(g.out_pixels() * g.out_c, {seed, 1}), w = values(g.weights(), {seed, 2}), shift = values(g.in_c, {seed, 3});
  return test::relative_error(run<T>(g, x, w, shift), definition(g, x, w, shift));
}

// An x that is large enough not to sum in f64.
conv2d_geometry large(std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t groups) {
  return detail::conv_transpose2d_geometry({1, 28, 27, 128}, {kernel, kernel, 96 / groups, 128}, stride, padding, stride - 1, groups, 1);
}

}  // namespace

TEST_CASE("transposed convolutions equal the definition on every instruction set") {
  test::for_each_isa([] {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const auto g = random_geometry({seed, 78});
      CAPTURE(seed);
      CHECK(error_of<double>(g, seed) < 1e-13);
      CHECK(error_of<float>(g, seed) < 1e-7);  // small: rounded once
    }
    for (const auto& g : {large(2, 2, 0, 1), large(3, 2, 1, 1), large(3, 1, 1, 1), large(4, 2, 1, 2)}) {
      CHECK_FALSE(cpu::widening_suits<float>(g));
      CHECK(error_of<float>(g, 1) < 5e-6);
    }
  });
}

TEST_CASE("a transposed convolution gives the same bits with any number of threads") {
  const int before = threads();
  for (const auto& g : {large(2, 2, 0, 1), large(3, 1, 1, 1), random_geometry({3, 1})}) {
    const auto x = values(g.out_pixels() * g.out_c, {1, 1}), w = values(g.weights(), {1, 2}), shift = values(g.in_c, {1, 3});
    set_threads(1);
    const auto one = run<float>(g, x, w, shift);
    for (int n : {2, 5}) {
      set_threads(n);
      CHECK(run<float>(g, x, w, shift) == one);
    }
  }
  set_threads(before);
}

namespace {

template <int K, int Stride, int Padding, int OutputPadding, int Groups, int Dilation, int In, int Out>
void check_gradient(extent_t n, extent_t h, extent_t v) {
  // The names of an x whose height and width were divided by the stride.
  using X = shape<dyn<"batch">, windowed(dyn<"height">, 1, Stride, 0), windowed(dyn<"width">, 1, Stride, 0), In>;
  using W = shape<K, K, Out / Groups, In>;
  const auto x = random_normal<double, X>({n, h, v, In}, {1, 1});
  const auto w = random_normal<double, W>(W::extents, {1, 2});
  const auto b = random_normal<double, shape<Out>>({Out}, {1, 3});
  const auto f = [](const auto&... a) { return conv_transpose2d<Stride, Padding, OutputPadding, Groups, Dilation>(a...); };
  CHECK(gradcheck(f, {5, 5}, 12, x, w) < 1e-6);
  CHECK(gradcheck([&](const auto&... a) { return relu(f(a...)); }, {5, 6}, 12, x, w, b) < 1e-6);
}

}  // namespace

TEST_CASE("conv_transpose2d passes the gradient check in double") {
  // Each kind in 21 shapes: patches, overlapping with output padding, of stride 1, depthwise, grouped, dilated, with pixels that no tap reaches.
  test::for_each_isa([] {
    for (extent_t n : {0, 1, 2})
      for (extent_t side : {1, 2, 3, 4, 5, 7, 9}) {
        CAPTURE(n);
        CAPTURE(side);
        check_gradient<2, 2, 0, 0, 1, 1, 3, 4>(n, side, side + 1);
        check_gradient<3, 2, 1, 1, 1, 1, 4, 2>(n, side, side + 1);
        check_gradient<3, 1, 1, 0, 1, 1, 3, 4>(n, side, side);
        check_gradient<3, 2, 0, 0, 4, 1, 4, 4>(n, side, side);
        check_gradient<4, 2, 1, 0, 2, 1, 4, 6>(n, side, side);
        check_gradient<3, 2, 2, 1, 1, 2, 2, 3>(n, side + 1, side);
        check_gradient<1, 3, 0, 2, 1, 1, 2, 2>(n, side, side);
      }
  });
}

TEST_CASE("the extents of a transposed convolution's result are part of its type") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  // A convolution or a pool halves; the transposed one of stride 2 and kernel 2 names what was halved.
  const auto up = [](extent e) { return unwindowed(e, 2, 2, 0); };
  constexpr extent height = dyn<"height">, rounded_up = windowed(height, 3, 2, 1), rounded_down = windowed(height, 2, 2, 0);
  static_assert(unwindowed(rounded_up, 2, 2, 0) == height && unwindowed(rounded_down, 2, 2, 0) == height);
  static_assert(unwindowed(windowed(rounded_up, 3, 2, 1), 2, 2, 0) == rounded_up);
  static_assert(unwindowed(windowed(rounded_down, 2, 2, 0), 2, 2, 0) == rounded_down);
  static_assert(unwindowed(windowed(rounded_up, 2, 2, 0), 2, 2, 0) == rounded_up);
  static_assert(unwindowed(windowed(rounded_up, 3, 2, 1), 3, 2, 1, 1) == rounded_up);  // kernel 3 needs output padding to double
  static_assert(unwindowed(windowed(height, 4, 4, 0), 4, 4, 0) == height);
  static_assert(unwindowed(height, 3, 1, 1) == height && unwindowed(height, 3, 1, 0) == windowed(height, 1, 1, 1));
  static_assert(unwindowed(height, 2, 2, 0) == times(height, 2) && windowed(times(height, 2), 2, 2, 0) == height);
  static_assert(unwindowed(height, 3, 2, 1) == minus(times(height, 2), 1) && unwindowed(rounded_up, 3, 3, 0) == divided(times(height, 3), 2));
  static_assert(unwindowed_fits(height, 2, 2, 0, 0) && !unwindowed_fits(height, 3, 1, 2000, 0));
  CHECK(to_string(up(windowed(height, 4, 4, 0))) == "(height-1)/2");
  CHECK(to_string(up(windowed(rounded_up, 3, 2, 1))) == "height/2");

  // The run-time size equals that of the named extent, for every size that the divisor divides.
  const auto size_of = [](extent e, extent_t n) {
    const auto p = detail::unpack(e);
    n *= static_cast<extent_t>(detail::shared_sum_of(p).factor);
    return p.offset >= n ? extent_t{0} : (n - p.offset + p.divisor - 1) / p.divisor;
  };
  for (extent_t k : {1, 2, 3, 4, 5})
    for (extent_t stride : {1, 2, 3})
      for (extent_t padding : {0, 1, 2})
        for (extent_t output_padding = 0; output_padding < stride; ++output_padding)
          for (extent_t before : {0, 1, 2}) {
            const extent e = windowed(windowed(height, 2 * before + 1, 2, before), k, stride, before);
            const extent named = unwindowed(e, k, stride, padding, output_padding);
            for (extent_t n = 60; n <= 240; n += 60) CHECK(size_of(named, n) == unwindowed(size_of(e, n), k, stride, padding, output_padding));
          }

  // A name that was never divided is multiplied, and the convolution back divides it again.
  const auto small = tensor<float, image>::full({2, 5, 7, 3}, 1);
  const auto large = conv_transpose2d<2>(small, tensor<float, shape<2, 2, 6, 3>>::full(1));
  static_assert(std::is_same_v<decltype(large), const tensor<float, shape<dyn<"batch">, times(dyn<"height">, 2), times(dyn<"width">, 2), 6>>>);
  CHECK((large.sizes() == sizes<4>{2, 10, 14, 6} && large(1, 9, 13, 5) == 3));
  const auto again = eval(conv2d<2, 0>(large, tensor<float, shape<2, 2, 6, 3>>::zeros()) + small);
  static_assert(std::is_same_v<decltype(again), const tensor<float, image>>);
  CHECK(again(1, 4, 6, 2) == 1);
  const auto other = tensor<float, image>::full({2, 5, 6, 3}, 1);
  CHECK_THROWS_WITH_AS(eval(conv2d<2, 0>(large, tensor<float, shape<2, 2, 6, 3>>::zeros()) + other), doctest::Contains("(width)"), error);

  const auto x = tensor<float, image>::zeros({2, 8, 12, 3});
  const auto half = eval(conv2d<2, 1>(x, tensor<float, shape<3, 3, 3, 6>>::zeros()));
  const auto y = conv_transpose2d<2>(half, tensor<float, shape<2, 2, 3, 6>>::zeros());
  static_assert(std::is_same_v<decltype(y), const tensor<float, image>>);
  CHECK(y.sizes() == x.sizes());
  CHECK(eval(concat<channel>(x, y)).sizes() == sizes<4>{2, 8, 12, 6});
  // For an odd height the result has one more row, and an op over both maps throws.
  const auto odd = tensor<float, image>::zeros({2, 7, 12, 3});
  const auto more =
      conv_transpose2d<2>(eval(conv2d<2, 1>(odd, tensor<float, shape<3, 3, 3, 6>>::zeros())), tensor<float, shape<2, 2, 3, 6>>::zeros());
  CHECK(more.sizes() == sizes<4>{2, 8, 12, 3});
  CHECK_THROWS_WITH_AS((eval(concat<channel>(odd, more))), doctest::Contains("dcs::concat"), error);
  CHECK_THROWS_AS(eval(odd + more), error);
}

TEST_CASE("a result without rows or columns is an error, a batch without images is not") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  const auto w = tensor<float, shape<3, 3, 8, 3>>::zeros();
  CHECK_THROWS_WITH_AS((conv_transpose2d<1, 3>(tensor<float, image>::zeros({1, 4, 6, 3}), w)),
                       doctest::Contains("dcs::conv_transpose2d: nothing is left of an image of 4 × 6 with a 3 × 3 kernel, stride 1 and padding 3"),
                       error);
  CHECK_THROWS_WITH_AS((conv_transpose2d<1, 0>(tensor<float, image>::zeros({1, 0, 4, 3}), w)),
                       doctest::Contains("dcs::conv_transpose2d: an image of 0 × 4"), error);
  CHECK(conv_transpose2d<1, 0>(tensor<float, image>::zeros({0, 4, 5, 3}), w).sizes() == sizes<4>{0, 6, 7, 8});
  constexpr extent_t huge = extent_t{1} << 56;
  using halved = shape<dyn<"batch">, windowed(dyn<"height">, 1, 8, 0), windowed(dyn<"width">, 1, 8, 0), 3>;
  CHECK_THROWS_WITH_AS((conv_transpose2d<8>(tensor<float, halved>::zeros({0, huge, 1, 3}), w)), doctest::Contains("give more than 2^57 elements"),
                       error);
  CHECK_THROWS_WITH_AS((conv_transpose2d<8>(tensor<float, halved>::zeros({0, 1, huge / 8, 3}), w)), doctest::Contains("give more than 2^57"), error);
  CHECK_THROWS_WITH_AS((conv_transpose2d<1, 3>(tensor<float, shape<1, 4, 4, 3>>::zeros(), w)), doctest::Contains("nothing is left"), error);
}

namespace {

template <int In, int Side>
constexpr work up_convolution() {
  work total;
  probe<float, shape<1, Side, Side, In>> x;
  x.total = &total;
  conv_transpose2d<2>(x, probe<float, shape<2, 2, In / 2, In>>(), probe<float, shape<In / 2>>());
  return total;
}

}  // namespace

TEST_CASE("work is counted in both conventions, at compile time and at run time") {
  // The four up-convolutions of a UNet of width 64 at 256 × 256, which has 6.44 G more by thop's rule.
  constexpr work up = up_convolution<1024, 16>() + up_convolution<512, 32>() + up_convolution<256, 64>() + up_convolution<128, 128>();
  static_assert(up == work{2'147'483'648, 8'589'934'592});
  // With groups, padding and output padding: input pixels · weights, and result · what a convolution's value would read.
  constexpr work odd = [] {
    work total;
    probe<float, shape<2, 5, 6, 4>> x;
    x.total = &total;
    conv_transpose2d<2, 1, 1, 2>(x, probe<float, shape<3, 3, 3, 4>>());
    return total;
  }();
  static_assert(odd == work{2 * 5 * 6 * 4 * 9 * 3, 2 * 10 * 12 * 6 * 9 * 2});

  struct listener final : detail::work_listener {
    work total;
    void note(const void*, const extent_t*, int, work w) override { total += w; }
  } heard;
  detail::listener = &heard;
  conv_transpose2d<2, 1, 1, 2>(tensor<float, shape<2, 5, 6, 4>>::zeros(), tensor<float, shape<3, 3, 3, 4>>::zeros());
  detail::listener = nullptr;
  CHECK(heard.total == odd);
}
