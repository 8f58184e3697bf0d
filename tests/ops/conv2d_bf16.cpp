// Convolutions in bf16 against f64 on the same numbers, on every instruction set: results and gradients are sums in f32, rounded once.
#include <dcs/core/philox.hpp>
#include <dcs/ops/conv2d/cpu.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace dcs;
using cpu::conv2d_geometry;

namespace {

struct numbers {
  std::vector<bf16> half;
  std::vector<double> wide;
  numbers(std::int64_t n, random_stream r) : half(static_cast<std::size_t>(n)), wide(half.size()) {
    for (std::size_t i = 0; i < half.size(); ++i) half[i] = static_cast<bf16>(r.normal(i)), wide[i] = static_cast<double>(half[i]);
  }
};

conv2d_geometry geometry(std::int64_t batch, std::int64_t side, std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                         std::int64_t padding, std::int64_t dilation = 1, std::int64_t groups = 1) {
  const std::int64_t h = (side + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1,
                     w = (side + 1 + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  return {batch, side, side + 1, in, h, w, out, kernel, kernel, stride, padding, dilation, groups};
}

// What differs by more than one rounding of the result and the errors of a sum in f32, whose terms are of size 1.
int wrong(const std::vector<bf16>& measured, const std::vector<double>& wanted, std::int64_t terms) {
  int count = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    count += !(std::abs(static_cast<double>(measured[i]) - wanted[i]) <= 0x1.01p-8 * std::abs(wanted[i]) + 2e-6 * static_cast<double>(terms));
  return count;
}

void check(const conv2d_geometry& g) {
  CAPTURE(g.in_c);
  CAPTURE(g.out_c);
  CAPTURE(g.k_h);
  CAPTURE(g.stride);
  CAPTURE(g.dilation);
  CAPTURE(g.groups);
  const std::int64_t inputs = g.in_pixels() * g.in_c, outputs = g.out_pixels() * g.out_c, depth = g.taps() * g.group_in();
  const numbers x(inputs, {1, 1}), w(g.weights(), {1, 2}), dy(outputs, {1, 3}), scale(g.out_c, {1, 4}), shift(g.out_c, {1, 5}),
      residual(outputs, {1, 6});
  std::vector<bf16> y(dy.half.size()), dx(x.half.size()), dw(w.half.size());
  std::vector<double> wanted_y(y.size()), wanted_dx(dx.size()), wanted_dw(dw.size());
  cpu::conv2d_forward<double>(g, x.wide.data(), w.wide.data(), {scale.wide.data(), shift.wide.data(), residual.wide.data(), g.out_c, true},
                              wanted_y.data());
  cpu::conv2d_data_gradient<double>(g, dy.wide.data(), w.wide.data(), wanted_dx.data());
  cpu::conv2d_weight_gradient<double>(g, x.wide.data(), dy.wide.data(), wanted_dw.data());
  const auto before = cpu::current_isa();
  for (const auto isa : cpu::every_isa) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    CAPTURE(cpu::name(isa));
    cpu::conv2d_forward<bf16>(g, x.half.data(), w.half.data(), {scale.half.data(), shift.half.data(), residual.half.data(), g.out_c, true}, y.data());
    cpu::conv2d_data_gradient<bf16>(g, dy.half.data(), w.half.data(), dx.data());
    cpu::conv2d_weight_gradient<bf16>(g, x.half.data(), dy.half.data(), dw.data());
    CHECK(wrong(y, wanted_y, depth) == 0);
    CHECK(wrong(dx, wanted_dx, g.taps() * g.group_out()) == 0);
    CHECK(wrong(dw, wanted_dw, g.out_pixels()) == 0);
  }
  cpu::set_isa(before);
}

}  // namespace

TEST_CASE("1x1 convolutions in bf16, which are the matrix product itself") {
  check(geometry(2, 9, 64, 40, 1, 1, 0));
  check(geometry(1, 23, 7, 3, 1, 1, 0));  // few outputs: the rows of the weight gradient
  check(geometry(2, 6, 48, 36, 1, 1, 0, 1, 3));
}

TEST_CASE("convolutions in bf16 gather patches of any channels, stride, dilation and groups") {
  check(geometry(2, 11, 3, 20, 7, 2, 3));        // all taps of a row at once
  check(geometry(2, 9, 32, 33, 3, 2, 1));        // whole blocks of channels
  check(geometry(1, 10, 64, 17, 1, 2, 0));       // gradients of pixels that nothing reads
  check(geometry(1, 12, 24, 15, 3, 1, 2, 2));    // dilated
  check(geometry(1, 9, 36, 18, 3, 1, 1, 1, 3));  // grouped
  check(geometry(1, 14, 5, 6, 5, 1, 2));
  check(geometry(1, 3, 200, 10, 3, 2, 1));  // several passes over the depth
}

TEST_CASE("depthwise convolutions in bf16, and those of Winograd's algorithm, are those of f32, rounded") {
  check(geometry(2, 9, 20, 20, 3, 1, 1, 1, 20));
  check(geometry(2, 10, 32, 48, 3, 1, 1));
}
