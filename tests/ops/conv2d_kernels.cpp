// The host's convolution kernels beside the definition.
#include <dcs/core/philox.hpp>
#include <dcs/ops/conv2d/conv2d.hpp>

#include "check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;
using test::for_each_isa, test::relative_error;

namespace {

using cpu::conv2d_geometry;

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
  for_each_isa([] {
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
  for_each_isa([] {
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
