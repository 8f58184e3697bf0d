#include <dcs/expr/gradcheck.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>

#include <doctest/doctest.h>

using namespace dcs;

namespace {

using cpu::conv2d_geometry;

template <class F>
void for_every_isa(const F& f) {
  const auto before = cpu::current_isa();
  for (auto isa : {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512}) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    CAPTURE(cpu::name(isa));
    f();
  }
  cpu::set_isa(before);
}

struct arrays {
  std::vector<double> x, w, y, dx, dw;
};

// The definition, in double.
arrays reference(const conv2d_geometry& g, const std::vector<double>& x, const std::vector<double>& w, const std::vector<double>& dy) {
  arrays a{x, w, std::vector<double>(dy.size()), std::vector<double>(x.size()), std::vector<double>(w.size())};
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t i = 0; i < g.out_h; ++i)
      for (std::int64_t j = 0; j < g.out_w; ++j)
        for (std::int64_t o = 0; o < g.out_c; ++o)
          for (std::int64_t kh = 0; kh < g.k_h; ++kh)
            for (std::int64_t kw = 0; kw < g.k_w; ++kw)
              for (std::int64_t c = 0; c < g.group_in(); ++c) {
                const std::int64_t h = i * g.stride - g.padding + kh * g.dilation, v = j * g.stride - g.padding + kw * g.dilation;
                if (h < 0 || v < 0 || h >= g.in_h || v >= g.in_w) continue;
                const auto ix = static_cast<std::size_t>(((n * g.in_h + h) * g.in_w + v) * g.in_c + o / g.group_out() * g.group_in() + c);
                const auto iw = static_cast<std::size_t>(((kh * g.k_w + kw) * g.group_in() + c) * g.out_c + o);
                const auto iy = static_cast<std::size_t>(((n * g.out_h + i) * g.out_w + j) * g.out_c + o);
                a.y[iy] += x[ix] * w[iw];
                a.dx[ix] += dy[iy] * w[iw];
                a.dw[iw] += dy[iy] * x[ix];
              }
  return a;
}

template <class T>
double relative_error(const std::vector<T>& got, const std::vector<double>& wanted) {
  double error = 0, norm = 1e-30;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += (static_cast<double>(got[i]) - wanted[i]) * (static_cast<double>(got[i]) - wanted[i]);
    norm += wanted[i] * wanted[i];
  }
  return std::sqrt(error / norm);
}

std::vector<double> random_values(std::int64_t n, random_stream r) {
  std::vector<double> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(static_cast<float>(r.normal(i)));
  return v;
}

template <class T>
void check_geometry(const conv2d_geometry& g, std::uint64_t seed, double bound) {
  CAPTURE(g.batch);
  CAPTURE(g.in_h);
  CAPTURE(g.in_w);
  CAPTURE(g.in_c);
  CAPTURE(g.out_c);
  CAPTURE(g.k_h);
  CAPTURE(g.stride);
  CAPTURE(g.padding);
  CAPTURE(g.dilation);
  CAPTURE(g.groups);
  const auto x = random_values(g.in_pixels() * g.in_c, {seed, 1}), w = random_values(g.weights(), {seed, 2}),
             dy = random_values(g.out_pixels() * g.out_c, {seed, 3});
  const auto wanted = reference(g, x, w, dy);
  const std::vector<T> tx(x.begin(), x.end()), tw(w.begin(), w.end()), tdy(dy.begin(), dy.end());
  std::vector<T> y(dy.size(), T(7)), dx(x.size(), T(7)), dw(w.size(), T(7));
  cpu::conv2d_forward<T>(g, tx.data(), tw.data(), {}, y.data());
  CHECK(relative_error(y, wanted.y) < bound);

  // Each part of the epilogue is there or not.
  const random_stream parts{seed, 4};
  const auto scale = random_values(g.out_c, {seed, 5}), shift = random_values(g.out_c, {seed, 6}),
             residual = random_values(g.out_pixels() * g.out_c, {seed, 7});
  const std::vector<T> ts(scale.begin(), scale.end()), tt(shift.begin(), shift.end()), tr(residual.begin(), residual.end());
  const bool scaled = parts.below(0, 2) == 1, shifted = parts.below(1, 2) == 1, added = parts.below(2, 2) == 1, rectified = parts.below(3, 2) == 1;
  auto finished = wanted.y;
  for (std::size_t i = 0; i < finished.size(); ++i) {
    const std::size_t c = i % static_cast<std::size_t>(g.out_c);
    if (scaled) finished[i] *= scale[c];
    if (shifted) finished[i] += shift[c];
    if (added) finished[i] += residual[i];
    if (rectified) finished[i] = std::max(finished[i], 0.0);
  }
  cpu::conv2d_forward<T>(g, tx.data(), tw.data(),
                         {scaled ? ts.data() : nullptr, shifted ? tt.data() : nullptr, added ? tr.data() : nullptr, g.out_c, rectified}, y.data());
  CHECK(relative_error(y, finished) < bound);

  cpu::conv2d_data_gradient<T>(g, tdy.data(), tw.data(), dx.data());
  CHECK(relative_error(dx, wanted.dx) < bound);
  cpu::conv2d_weight_gradient<T>(g, tx.data(), tdy.data(), dw.data());
  CHECK(relative_error(dw, wanted.dw) < bound);
}

// f32 with every part of the epilogue; the inputs are exact.
void check_forward(const conv2d_geometry& g, double bound) {
  const auto x = random_values(g.in_pixels() * g.in_c, {1, 1}), w = random_values(g.weights(), {1, 2}), scale = random_values(g.out_c, {1, 3}),
             shift = random_values(g.out_c, {1, 4}), residual = random_values(g.out_pixels() * g.out_c, {1, 5});
  auto wanted = reference(g, x, w, residual).y;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::size_t c = i % scale.size();
    wanted[i] = std::max(0.0, wanted[i] * scale[c] + shift[c] + residual[i]);
  }
  const auto narrow = [](const std::vector<double>& v) { return std::vector<float>(v.begin(), v.end()); };
  const auto tx = narrow(x), tw = narrow(w), ts = narrow(scale), tt = narrow(shift), tr = narrow(residual);
  std::vector<float> y(wanted.size());
  cpu::conv2d_forward<float>(g, tx.data(), tw.data(), {ts.data(), tt.data(), tr.data(), g.out_c, true}, y.data());
  CHECK(relative_error(y, wanted) < bound);
}

conv2d_geometry random_geometry(random_stream r) {
  const std::int64_t kernels[] = {1, 2, 3, 3, 3, 4, 5, 7, 8}, channels[] = {1, 3, 4, 5, 8, 12, 16, 17, 32, 48, 64}, batches[] = {0, 1, 2, 3};
  conv2d_geometry g{};
  while (true) {
    r = r.child(9);
    g.k_h = g.k_w = kernels[r.below(0, 9)];
    g.stride = r.below(10, 4) == 0 ? g.k_h : 1 + r.below(1, 2);  // patches that do not overlap among them
    const auto dilation = r.below(2, 6);
    g.dilation = dilation < 2 ? 2 + dilation : 1;
    g.padding = r.below(3, static_cast<std::uint32_t>(g.k_h + 1));
    g.batch = batches[r.below(4, 4)], g.in_h = 1 + r.below(5, 12), g.in_w = 1 + r.below(6, 12);
    g.in_c = channels[r.below(7, 11)], g.out_c = channels[r.below(8, 11)];
    g.groups = 1;
    const auto groups = r.below(9, 4);
    if (groups == 0)
      g.groups = g.out_c = g.in_c;
    else if (groups == 1 && g.in_c % 2 == 0 && g.out_c % 2 == 0)
      g.groups = 2;
    else if (groups == 2 && r.below(11, 3) == 0)
      g.groups = g.in_c, g.out_c = 3 * g.in_c;  // several outputs for each channel
    g.out_h = windowed(g.in_h, g.k_h, g.stride, g.padding, g.dilation), g.out_w = windowed(g.in_w, g.k_w, g.stride, g.padding, g.dilation);
    if (g.out_h >= 1 && g.out_w >= 1) return g;
  }
}

conv2d_geometry square(std::int64_t batch, std::int64_t side, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                       std::int64_t padding, std::int64_t groups = 1) {
  const std::int64_t result = windowed(side, kernel, stride, padding);
  return {batch, side, side, in, result, result, out, kernel, kernel, stride, padding, 1, groups};
}

}  // namespace

TEST_CASE("convolution kernels equal the definition on every instruction set") {
  for_every_isa([] {
    for (std::uint64_t seed = 0; seed < 120; ++seed) {
      const auto g = random_geometry({seed, 77});
      check_geometry<double>(g, seed, 1e-13);
      check_geometry<float>(g, seed, 5e-6);
    }
    // The network's kinds, small: several blocks of rows, several passes over the depth, few inputs and few outputs.
    for (const auto& g :
         {square(2, 31, 3, 64, 7, 2, 3), square(1, 16, 64, 40, 8, 8, 0), square(3, 20, 64, 1, 1, 1, 0), square(2, 20, 70, 4, 1, 1, 0),
          square(2, 24, 48, 33, 3, 2, 1), square(2, 17, 32, 48, 1, 2, 0), square(2, 33, 80, 80, 3, 1, 1, 80), square(1, 40, 16, 16, 3, 1, 1)})
      check_geometry<float>(g, 1, 5e-6), check_geometry<double>(g, 1, 1e-13);
  });
}

TEST_CASE("small convolutions in f32 are rounded once; large ones are not small") {
  for_every_isa([] {
    for (const auto& g :
         {square(2, 4, 256, 96, 3, 1, 1), square(1, 6, 40, 40, 3, 1, 1, 40), square(2, 8, 300, 17, 1, 1, 0), square(1, 9, 64, 24, 3, 2, 1)}) {
      REQUIRE(cpu::widening_suits<float>(g));
      check_forward(g, 5e-8);
    }
  });
  CHECK_FALSE(cpu::widening_suits<float>(square(4, 64, 256, 256, 3, 1, 1)));
  CHECK_FALSE(cpu::widening_suits<double>(square(1, 4, 16, 16, 3, 1, 1)));
}

TEST_CASE("convolutions give the same bits with any number of threads") {
  const int before = threads();
  for (const auto& g :
       {square(2, 20, 24, 40, 3, 1, 1), square(2, 20, 24, 40, 3, 2, 1), square(2, 20, 24, 40, 1, 1, 0), square(2, 20, 24, 24, 3, 1, 1, 24)}) {
    const auto source = random_values(g.in_pixels() * g.in_c, {1, 1}), weights = random_values(g.weights(), {1, 2});
    const std::vector<float> x(source.begin(), source.end()), w(weights.begin(), weights.end());
    const auto all = [&](int n) {
      set_threads(n);
      std::vector<float> y(static_cast<std::size_t>(g.out_pixels() * g.out_c)), dx(x.size()), dw(w.size());
      cpu::conv2d_forward<float>(g, x.data(), w.data(), {}, y.data());
      cpu::conv2d_data_gradient<float>(g, y.data(), w.data(), dx.data());
      cpu::conv2d_weight_gradient<float>(g, x.data(), y.data(), dw.data());
      y.insert(y.end(), dx.begin(), dx.end()), y.insert(y.end(), dw.begin(), dw.end());
      return y;
    };
    const auto one = all(1);
    CHECK(one == all(2));
    CHECK(one == all(5));
  }
  set_threads(before);
}

namespace {

// f of 21 numbers of images and sides, on every instruction set.
template <class F>
void for_small_images(const F& f) {
  for_every_isa([&] {
    for (extent_t n : {0, 1, 2})
      for (extent_t side : {1, 2, 3, 4, 5, 7, 9}) {
        CAPTURE(n);
        CAPTURE(side);
        f(n, side);
      }
  });
}

template <int K, int Stride, int Padding, int Dilation, int Groups, int In, int Out>
void check_gradient(extent_t n, extent_t h, extent_t w) {
  using X = shape<dyn<"batch">, dyn<"height">, dyn<"width">, In>;
  using W = shape<K, K, In / Groups, Out>;
  const auto x = random_normal<double, X>({n, h, w, In}, {1, 1});
  const auto weight = random_normal<double, W>(W::extents, {1, 2});
  const auto bias = random_normal<double, shape<Out>>({Out}, {1, 3});
  CHECK(gradcheck([](const auto& a, const auto& b) { return conv2d<Stride, Padding, Dilation, Groups>(a, b); }, {5, 5}, 12, x, weight) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& b, const auto& c) { return relu(conv2d<Stride, Padding, Dilation, Groups>(a, b, c)); }, {5, 6}, 12, x,
                  weight, bias) < 1e-6);
}

}  // namespace

TEST_CASE("conv2d passes the gradient check in double") {
  // Each kind in 21 shapes: plain, strided, depthwise, grouped, dilated (alone, depthwise and strided in groups), patches that do not overlap.
  for_small_images([](extent_t n, extent_t side) {
    check_gradient<1, 1, 0, 1, 1, 3, 4>(n, side, side + 1);
    check_gradient<3, 1, 1, 1, 1, 3, 4>(n, side, side + 1);
    check_gradient<3, 2, 1, 1, 1, 4, 2>(n, side, side + 1);
    check_gradient<3, 1, 1, 1, 4, 4, 4>(n, side, side);
    check_gradient<3, 1, 1, 1, 2, 4, 6>(n, side, side);
    check_gradient<3, 1, 2, 2, 1, 2, 3>(n, side, side);
    check_gradient<3, 1, 2, 2, 4, 4, 4>(n, side, side);
    check_gradient<3, 2, 2, 2, 2, 4, 6>(n, side, side);
    check_gradient<2, 2, 0, 1, 1, 1, 1>(n, side + 1, side + 1);
  });
  for_every_isa([] {
    check_gradient<1, 1, 0, 1, 1, 1, 1>(1, 1, 1);
    check_gradient<7, 2, 3, 1, 1, 3, 2>(1, 9, 8);
  });
}

namespace {

template <int K, int Stride, int Padding, int Groups, int In, int Out>
void check_epilogue_gradient(extent_t n, extent_t h, extent_t w) {
  using X = shape<dyn<"batch">, dyn<"height">, dyn<"width">, In>;
  using W = shape<K, K, In / Groups, Out>;
  using Y = shape<dyn<"batch">, windowed(dyn<"height">, K, Stride, Padding), windowed(dyn<"width">, K, Stride, Padding), Out>;
  const auto x = random_normal<double, X>({n, h, w, In}, {7, 1});
  const auto weight = random_normal<double, W>(W::extents, {7, 2});
  const auto scale = random_normal<double, shape<Out>>({Out}, {7, 3}), shift = random_normal<double, shape<Out>>({Out}, {7, 4});
  const auto residual = random_normal<double, Y>({n, windowed(h, K, Stride, Padding), windowed(w, K, Stride, Padding), Out}, {7, 5});
  // The scale fixed, so that all four are one kernel; then recorded with the others.
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& t,
                      const auto& r) { return relu(conv2d<Stride, Padding, 1, Groups>(a, b) * scale + t + r); },
                  {7, 6}, 8, x, weight, shift, residual) < 1e-6);
  CHECK(gradcheck([](const auto& a, const auto& b, const auto& s, const auto& t,
                     const auto& r) { return relu(conv2d<Stride, Padding, 1, Groups>(a, b) * s + t + r); },
                  {7, 7}, 8, x, weight, scale, shift, residual) < 1e-6);
}

}  // namespace

TEST_CASE("conv2d with scale, shift, residual and ReLU passes the gradient check in double") {
  for_small_images([](extent_t n, extent_t side) {
    check_epilogue_gradient<1, 1, 0, 1, 3, 4>(n, side, side + 1);
    check_epilogue_gradient<3, 1, 1, 1, 3, 5>(n, side, side + 1);
    check_epilogue_gradient<3, 2, 1, 1, 2, 3>(n, side, side + 1);
    check_epilogue_gradient<3, 1, 1, 4, 4, 4>(n, side, side);
  });
}

TEST_CASE("the extents of a convolution's result are part of its type") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  const auto x = tensor<float, image>::zeros({2, 9, 12, 3});
  const auto w = tensor<float, shape<7, 7, 3, 8>>::zeros();
  const auto y = eval(conv2d<2, 3>(x, w));
  static_assert(
      std::is_same_v<decltype(y), const tensor<float, shape<dyn<"batch">, windowed(dyn<"height">, 7, 2, 3), windowed(dyn<"width">, 7, 2, 3), 8>>>);
  CHECK(y.sizes() == sizes<4>{2, 5, 6, 8});
  const auto small = tensor<float, image>::zeros({2, 5, 12, 3});
  CHECK_THROWS_WITH_AS((conv2d<1, 0>(small, w)), doctest::Contains("dcs::conv2d: an image of 5"), error);
}

TEST_CASE("an image without rows or columns is an error, a batch without images is not") {
  using image = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
  const auto w = tensor<float, shape<3, 3, 3, 8>>::zeros();
  CHECK_THROWS_WITH_AS((conv2d<1, 2>(tensor<float, image>::zeros({1, 0, 4, 3}), w)), doctest::Contains("dcs::conv2d: an image of 0 × 4"), error);
  CHECK_THROWS_AS((conv2d<1, 2>(tensor<float, image>::zeros({1, 4, 0, 3}), w)), error);
  CHECK(eval(conv2d<1, 1>(tensor<float, image>::zeros({0, 4, 5, 3}), w)).sizes() == sizes<4>{0, 4, 5, 8});
}

TEST_CASE("a convolution that has been evaluated by itself is not computed again") {
  using X = shape<2, 5, 6, 4>;
  const auto x = random_normal<double, X>(X::extents, {6, 1});
  const auto w = random_normal<double, shape<3, 3, 4, 8>>({3, 3, 4, 8}, {6, 2});
  const auto shift = random_normal<double, shape<8>>({8}, {6, 3});
  const auto node = conv2d<1, 1>(x, w);
  const auto bare = eval(node);
  CHECK(eval(node).data() == bare.data());
  const auto y = eval(relu(node + shift));  // of the same type as the fused one
  for (extent_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == std::max(bare.data()[i] + shift.data()[i % 8], 0.0));
  // Both uses send their gradient back.
  CHECK(gradcheck(
            [](const auto& a, const auto& b, const auto& c) {
              const auto n = conv2d<1, 1>(a, b);
              const auto own = eval(n);
              return relu(n + c) * own;
            },
            {6, 4}, 12, x, w, shift) < 1e-6);
}

TEST_CASE("scale, shift, residual and ReLU become one kernel, chosen by the type") {
  using X = shape<2, 5, 6, 16>;
  const auto x = random_normal<double, X>(X::extents, {2, 1});
  const auto w = random_normal<double, shape<3, 3, 16, 8>>({3, 3, 16, 8}, {2, 2});
  const auto scale = random_normal<double, shape<8>>({8}, {2, 3}), shift = random_normal<double, shape<8>>({8}, {2, 4});
  const auto residual = random_normal<double, shape<2, 5, 6, 8>>({2, 5, 6, 8}, {2, 5});
  const auto e = relu(conv2d<1, 1>(x, w) * scale + shift + residual);
  static_assert(std::is_same_v<kernel_of<decltype(e)>, kernels::convolution_epilogue>);

  auto vx = var<double, X>::leaf(x);
  const auto ev = relu(conv2d<1, 1>(vx, w) * scale + shift + residual);
  static_assert(std::is_same_v<kernel_of<decltype(ev)>, kernels::convolution_epilogue>);
  static_assert(std::is_same_v<kernel_of<decltype(conv2d<1, 1>(x, w))>, kernels::convolution>);

  host_allocator::get().reset_statistics();
  const auto y = eval(e);
  const auto fused_allocations = host_allocator::get().statistics().allocations;
  host_allocator::get().reset_statistics();
  const auto bare = eval(conv2d<1, 1>(x, w));
  CHECK(host_allocator::get().statistics().allocations == fused_allocations);  // the epilogue makes no tensor of its own
  const auto wanted = eval(relu(bare * scale + shift + residual));
  for (extent_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == doctest::Approx(wanted.data()[i]));

  // A recorded scale needs the convolution's own result: the same type, evaluated unfused.
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& s, const auto& t, const auto& r) { return relu(conv2d<1, 1>(a, b) * s + t + r); },
                  {3, 3}, 10, x, w, scale, shift, residual) < 1e-6);
  CHECK(gradcheck([&](const auto& a, const auto& b, const auto& t, const auto& r) { return relu(conv2d<1, 1>(a, b) * scale + t + r); }, {3, 4}, 10, x,
                  w, shift, residual) < 1e-6);
}
