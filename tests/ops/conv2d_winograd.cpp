#include <dcs/core/philox.hpp>
#include <dcs/ops/conv2d/winograd.hpp>

#include "goldens.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace dcs;
using test::relative_error;

namespace {

using cpu::conv2d_geometry;

const cpu::isa every_isa[] = {cpu::isa::portable, cpu::isa::avx2, cpu::isa::avx512};

conv2d_geometry same(std::int64_t batch, std::int64_t height, std::int64_t width, std::int64_t in, std::int64_t out) {
  return {batch, height, width, in, height, width, out, 3, 3, 1, 1, 1, 1};
}

// Few tiles and many, one block of the weight gradient and several, channels that fill vectors and that do not, and depths above one pass.
const conv2d_geometry shapes[] = {
    same(1, 1, 1, 1, 1),       same(1, 1, 1, 3, 5),     same(2, 1, 9, 16, 4),     same(2, 9, 1, 4, 16),     same(1, 3, 5, 2, 33),
    same(1, 4, 4, 16, 16),     same(3, 5, 6, 17, 31),   same(1, 8, 8, 32, 32),    same(2, 7, 13, 48, 20),   same(1, 16, 12, 33, 64),
    same(5, 4, 8, 24, 72),     same(1, 6, 6, 130, 40),  same(1, 5, 5, 40, 130),   same(1, 9, 8, 300, 10),   same(2, 40, 33, 5, 7),
    same(5, 30, 29, 20, 40),   same(1, 65, 66, 16, 16), same(1, 64, 68, 272, 16), same(1, 64, 68, 16, 272), same(17, 15, 16, 8, 24),
    same(1, 64, 68, 260, 260),
};

struct arrays {
  std::vector<double> x, w, dy, y, dx, dw;
};

std::vector<double> random_values(std::int64_t n, random_stream r) {
  std::vector<double> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<double>(static_cast<float>(r.normal(i)));
  return v;
}

// The definition, in double.
arrays reference(const conv2d_geometry& g) {
  const auto seed = static_cast<std::uint64_t>(g.multiply_adds());
  arrays a{random_values(g.in_pixels() * g.in_c, {seed, 1}),
           random_values(g.weights(), {seed, 2}),
           random_values(g.out_pixels() * g.out_c, {seed, 3}),
           {},
           {},
           {}};
  a.y.resize(a.dy.size()), a.dx.resize(a.x.size()), a.dw.resize(a.w.size());
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t i = 0; i < g.out_h; ++i)
      for (std::int64_t j = 0; j < g.out_w; ++j)
        for (std::int64_t s = 0; s < 9; ++s) {
          const std::int64_t h = i - 1 + s / 3, v = j - 1 + s % 3;
          if (h < 0 || v < 0 || h >= g.in_h || v >= g.in_w) continue;
          double* y = a.y.data() + ((n * g.out_h + i) * g.out_w + j) * g.out_c;
          const double* dy = a.dy.data() + (y - a.y.data());
          for (std::int64_t c = 0; c < g.in_c; ++c) {
            const std::int64_t at = ((n * g.in_h + h) * g.in_w + v) * g.in_c + c;
            const double x = a.x[static_cast<std::size_t>(at)];
            const double* w = a.w.data() + (s * g.in_c + c) * g.out_c;
            double* dw = a.dw.data() + (w - a.w.data());
            double dx = 0;
            for (std::int64_t o = 0; o < g.out_c; ++o) {
              y[o] += x * w[o];
              dx += dy[o] * w[o];
              dw[o] += dy[o] * x;
            }
            a.dx[static_cast<std::size_t>(at)] += dx;
          }
        }
  return a;
}

template <class T>
struct results {
  std::vector<T> y, dx, dw;
  bool operator==(const results&) const = default;
};

template <class T>
results<T> run(const conv2d_geometry& g, const arrays& a, const cpu::epilogue<T>& e = {}) {
  const std::vector<T> x(a.x.begin(), a.x.end()), w(a.w.begin(), a.w.end()), dy(a.dy.begin(), a.dy.end());
  results<T> r{std::vector<T>(dy.size(), T(7)), std::vector<T>(x.size(), T(7)), std::vector<T>(w.size(), T(7))};
  cpu::winograd_forward<T>(g, x.data(), w.data(), e, r.y.data());
  cpu::winograd_data_gradient<T>(g, dy.data(), w.data(), r.dx.data());
  cpu::winograd_weight_gradient<T>(g, x.data(), dy.data(), r.dw.data());
  return r;
}

struct restore {
  cpu::isa set = cpu::current_isa();
  int count = threads();
  ~restore() {
    cpu::set_isa(set);
    set_threads(count);
  }
};

}  // namespace

TEST_CASE("Winograd's algorithm equals the definition: every instruction set, f32 and f64") {
  const restore after;
  for (const auto& g : shapes) {
    CAPTURE(g.batch);
    CAPTURE(g.in_h);
    CAPTURE(g.in_w);
    CAPTURE(g.in_c);
    CAPTURE(g.out_c);
    const auto wanted = reference(g);
    for (auto isa : every_isa) {
      if (!cpu::supports(isa)) continue;
      cpu::set_isa(isa);
      CAPTURE(cpu::name(isa));
      const auto f64 = run<double>(g, wanted);
      CHECK(relative_error(f64.y, wanted.y) < 1e-14);
      CHECK(relative_error(f64.dx, wanted.dx) < 1e-14);
      CHECK(relative_error(f64.dw, wanted.dw) < 1e-14);
      const auto f32 = run<float>(g, wanted);
      CHECK(relative_error(f32.y, wanted.y) < 2.5e-6);
      CHECK(relative_error(f32.dx, wanted.dx) < 2.5e-6);
      CHECK(relative_error(f32.dw, wanted.dw) < 2.5e-6);
    }
  }
}

TEST_CASE("Winograd's results have the same bits with one, two and three threads") {
  const restore after;
  for (const auto& g : shapes) {
    CAPTURE(g.in_h);
    CAPTURE(g.in_c);
    CAPTURE(g.out_c);
    arrays a{random_values(g.in_pixels() * g.in_c, {5, 1}),
             random_values(g.weights(), {5, 2}),
             random_values(g.out_pixels() * g.out_c, {5, 3}),
             {},
             {},
             {}};
    set_threads(1);
    const auto one = run<float>(g, a);
    for (int n : {2, 3}) {
      set_threads(n);
      CHECK((run<float>(g, a) == one));
    }
  }
}

TEST_CASE("Winograd's output transform applies scale, shift, residual and ReLU") {
  const restore after;
  for (const auto& g : {same(2, 7, 9, 20, 37), same(1, 8, 8, 32, 64), same(5, 30, 29, 8, 16)}) {
    const auto wanted = reference(g);
    const auto outputs = static_cast<std::size_t>(g.out_c);
    const auto scale = random_values(g.out_c, {6, 1}), shift = random_values(g.out_c, {6, 2}),
               residual = random_values(g.out_pixels() * g.out_c, {6, 3});
    for (auto isa : every_isa) {
      if (!cpu::supports(isa)) continue;
      cpu::set_isa(isa);
      CAPTURE(cpu::name(isa));
      for (int parts = 0; parts < 16; ++parts) {
        CAPTURE(parts);
        const cpu::epilogue<double> e{parts & 1 ? scale.data() : nullptr, parts & 2 ? shift.data() : nullptr, parts & 4 ? residual.data() : nullptr,
                                      g.out_c, (parts & 8) != 0};
        std::vector<double> expected = wanted.y;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          if (e.scale) expected[i] *= scale[i % outputs];
          if (e.shift) expected[i] += shift[i % outputs];
          if (e.residual) expected[i] += residual[i];
          if (e.relu && expected[i] < 0) expected[i] = 0;
        }
        CHECK(relative_error(run<double>(g, wanted, e).y, expected) < 1e-14);
      }
    }
  }
}

TEST_CASE("Winograd's algorithm accepts an empty batch, and propagates NaN") {
  const auto g = same(0, 8, 8, 16, 16);
  const auto r = run<float>(g, {{}, std::vector<double>(9 * 16 * 16, 1.0), {}, {}, {}, {}});
  CHECK(r.dw == std::vector<float>(9 * 16 * 16, 0.0f));

  const auto one = same(1, 8, 8, 16, 16);
  auto a = reference(one);
  a.x[0] = std::nan("");
  cpu::epilogue<float> e;
  e.relu = true;
  CHECK(std::isnan(run<float>(one, a, e).y[0]));
}

TEST_CASE("Winograd is chosen by the shape alone") {
  CHECK(cpu::winograd_suits<float>(same(4, 64, 64, 256, 256)));
  CHECK(cpu::winograd_suits<float>(same(4, 8, 8, 512, 512)));
  CHECK_FALSE(cpu::winograd_suits<double>(same(4, 64, 64, 256, 256)));
  CHECK_FALSE(cpu::winograd_suits<float>(same(4, 1, 1, 256, 256)));
  auto g = same(4, 64, 64, 256, 256);
  g.padding = 0, g.out_h = g.out_w = 62;
  CHECK_FALSE(cpu::winograd_suits<float>(g));
  g = same(4, 64, 64, 256, 256);
  g.groups = 2;
  CHECK_FALSE(cpu::winograd_suits<float>(g));
  g = same(4, 64, 64, 256, 256);
  g.k_h = 1;
  CHECK_FALSE(cpu::winograd_suits<float>(g));
}
