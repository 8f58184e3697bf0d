// Convolutions on a device against the host's: depthwise ones are kernels; for the others, the kernels before and after a library's call.
#include <dcs/ops/conv2d/conv2d.hpp>
#include <dcs/ops/conv2d/cuda.cuh>
#include <dcs/ops/linear/linear.hpp>
#include <dcs/ops/matmul/matmul.hpp>
#if defined(__CUDACC__)
#include <dcs/cuda/cublas.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#endif

#include "../cuda/compare.hpp"

using namespace dcs;

namespace {

template <int C>
using map_t = shape<dyn<"n">, dyn<"h">, dyn<"w">, C>;

template <int C>
auto map(extent_t n, extent_t h, extent_t w) {
  return random_normal<double, map_t<C>>({n, h, w, C}, {1, static_cast<std::uint64_t>(n * 100 + h)});
}
template <class S>
auto parameter_of(std::uint64_t seed) {
  return random_normal<double, S>(S::extents, {2, seed});
}

// Convolution of C channels in as many groups: channels of a part of a packet, of whole ones, of more than a block has; strides, dilations.
template <class Body>
void over_depthwise(const Body& body) {
  auto at = [&]<int C, int K, int Stride, int Padding, int Dilation>(std::integer_sequence<int, C, K, Stride, Padding, Dilation>, extent_t n,
                                                                     extent_t h, extent_t w) {
    body([](const auto& x, const auto& f) { return eval(conv2d<Stride, Padding, Dilation, C>(x, f)); }, map<C>(n, h, w),
         parameter_of<shape<K, K, 1, C>>(3));
  };
  at(std::integer_sequence<int, 3, 3, 1, 1, 1>{}, 1, 5, 6);
  at(std::integer_sequence<int, 8, 3, 1, 1, 1>{}, 2, 9, 7);
  at(std::integer_sequence<int, 16, 3, 2, 1, 1>{}, 1, 8, 9);
  at(std::integer_sequence<int, 8, 3, 1, 2, 2>{}, 2, 6, 5);
  at(std::integer_sequence<int, 8, 5, 3, 2, 1>{}, 1, 11, 10);
  at(std::integer_sequence<int, 4, 1, 1, 0, 1>{}, 3, 2, 2);
  at(std::integer_sequence<int, 136, 3, 1, 1, 1>{}, 1, 4, 5);
  at(std::integer_sequence<int, 8, 3, 1, 1, 1>{}, 2, 1, 1);
  at(std::integer_sequence<int, 3, 3, 2, 1, 1>{}, 1, 1, 1);
}
const auto with_everything = [](const auto& x, const auto& w, const auto& s, const auto& t, const auto& r) {
  return eval(relu(conv2d<1, 1, 1, 8>(x, w) * value(s) + t + r));
};

}  // namespace

TEST_CASE("kernel depthwise_forward: strips that end within a row, strides, dilations, every epilogue") {
  over_depthwise([](const auto& f, const auto& x, const auto& w) { kernel_test::compare(f, x, w); });
  using C = shape<8>;
  kernel_test::compare(with_everything, map<8>(2, 5, 6), parameter_of<shape<3, 3, 1, 8>>(1), parameter_of<C>(2), parameter_of<C>(3), map<8>(2, 5, 6));
  kernel_test::compare([](const auto& x, const auto& w, const auto& t) { return eval(relu(conv2d<1, 1, 1, 8>(x, w) + t)); }, map<8>(0, 5, 6),
                       parameter_of<shape<3, 3, 1, 8>>(1), parameter_of<C>(2));
}

TEST_CASE("kernel depthwise_data_gradient: passes the gradient check") {
  over_depthwise([](const auto& f, const auto& x, const auto& w) {
    CHECK(kernel_test::gradcheck([&](const auto& v) { return f(v, to<device_t<decltype(v)>>(w)); }, x) < 1e-6);
  });
}

TEST_CASE("kernel depthwise_weight_gradient: passes the gradient check; several chunks of pixels") {
  over_depthwise([](const auto& f, const auto& x, const auto& w) {
    CHECK(kernel_test::gradcheck([&](const auto& v) { return f(to<device_t<decltype(v)>>(x), v); }, w) < 1e-6);
  });
  kernel_test::compare([](const auto& x, const auto& w) { return eval(conv2d<1, 1, 1, 8>(x, w)); }, map<8>(2, 50, 41),
                       parameter_of<shape<3, 3, 1, 8>>(1));
}

TEST_CASE("kernel epilogue: each part present or missing, packets and odd channels") {
  using D = kernel_test::target;
  auto check = [&]<class T, int C>(T, std::integral_constant<int, C>, extent_t rows) {
    const auto host = [](const auto& x) { return kernel_test::rounded<T>(x); };
    const auto y = host(map<C>(1, 1, rows)), residual = host(map<C>(2, 1, rows));
    const auto scale = host(parameter_of<shape<C>>(5)), shift = host(parameter_of<shape<C>>(6));
    const auto ds = to<D>(scale), dt = to<D>(shift);
    const auto dr = to<D>(residual);
    for (int parts = 0; parts < 16; ++parts) {
      const bool a = parts & 1, b = parts & 2, c = parts & 4, relu = parts & 8;
      const auto got = to<D>(y).clone();
      cuda::finish(D{}, rows, C, cpu::epilogue<T>{a ? ds.data() : nullptr, b ? dt.data() : nullptr, c ? dr.data() : nullptr, C, relu}, got.data());
      auto wanted = tensor<double, map_t<C>>::empty(y.sizes());
      for (extent_t i = 0; i < y.size(); ++i) {
        double v = static_cast<double>(y.data()[i]) * (a ? static_cast<double>(scale.data()[i % C]) : 1);
        v += (b ? static_cast<double>(shift.data()[i % C]) : 0) + (c ? static_cast<double>(residual.data()[i]) : 0);
        wanted.data()[i] = relu ? std::max(v, 0.0) : v;
      }
      CAPTURE(parts);
      CHECK(kernel_test::difference(to<cpu_device>(got), wanted) < kernel_test::tolerance<T>);
    }
  };
  for (extent_t rows : {0, 1, 21})
    for (int order = 0; order < 3; ++order) {
      if constexpr (!kernel_test::on_gpu)
        check(double{}, std::integral_constant<int, 4>{}, rows), check(double{}, std::integral_constant<int, 3>{}, rows);
      check(float{}, std::integral_constant<int, 8>{}, rows);
      check(float{}, std::integral_constant<int, 5>{}, rows);
      check(float{}, std::integral_constant<int, 1>{}, rows);
      check(bf16{}, std::integral_constant<int, 16>{}, rows);
      check(bf16{}, std::integral_constant<int, 3>{}, rows);
    }
}

TEST_CASE("kernel transposition: tiles that end within the matrix, batches, as an op and within a product") {
  auto at = [](extent_t batch, extent_t rows, extent_t columns) {
    using S = shape<dyn<"b">, dyn<"m">, dyn<"k">>;
    const auto x = random_normal<double, S>({batch, rows, columns}, {3, 3});
    const auto turned = [](const auto& v) { return eval(transpose(v)); };
    kernel_test::compare(turned, x);
    CHECK(kernel_test::gradcheck(turned, x) < 1e-6);
    const auto y = random_normal<double, S>({batch, rows, columns}, {3, 4});
    kernel_test::compare([](const auto& a, const auto& b) { return eval(matmul(a, transpose(as<shape<dyn<"b">, dyn<"n">, dyn<"k">>>(b)))); }, x, y);
  };
  at(1, 1, 1), at(2, 31, 33), at(3, 32, 64), at(1, 70, 5), at(0, 4, 4), at(2, 1, 40), at(1, 33, 1);
  // With a scale, as the weights of a convolution are turned.
  using kernel_test::target;
  const auto scaled = [](auto t, extent_t rows, extent_t columns) {
    using T = decltype(t);
    using A = cuda::arithmetic_t<T>;
    using M = shape<dyn<"m">, dyn<"n">>;
    const auto w = kernel_test::rounded<T>(random_normal<double, M>({rows, columns}, {3, 5}));
    const auto s = kernel_test::rounded<T>(random_normal<double, shape<dyn<"n">>>({columns}, {3, 6}));
    const auto there = to<target>(w);
    const auto by = to<target>(s);
    auto wanted = tensor<T, M>::empty({columns, rows});
    for (extent_t i = 0; i < rows; ++i)
      for (extent_t j = 0; j < columns; ++j) wanted(j, i) = static_cast<T>(static_cast<A>(w(i, j)) * static_cast<A>(s(j)));
    for (int order = 0; order < 3; ++order) {
      auto turned = tensor<T, M, target>::empty({columns, rows});
      cuda::transposition(target{}, static_cast<const T*>(there.data()), 1, rows, columns, turned.data(), by.data());
      CHECK(kernel_test::difference(to<cpu_device>(turned), wanted) == 0);
    }
  };
  for (const auto& [rows, columns] :
       {std::pair<extent_t, extent_t>(1, 1), std::pair<extent_t, extent_t>(33, 31), std::pair<extent_t, extent_t>(5, 64)}) {
    if constexpr (!kernel_test::on_gpu) scaled(double{}, rows, columns);
    scaled(float{}, rows, columns), scaled(bf16{}, rows, columns);
  }
}

TEST_CASE("a device's convolutions are the host's, forward and backward, with every epilogue") {
  const auto compare = [](const auto& f, const auto&... x) {
    if constexpr (!kernel_test::on_gpu) kernel_test::compare_in<double>(f, x...);
    kernel_test::compare_in<float>(f, x...);
  };
  using C = shape<8>;
  const auto x = map<6>(2, 7, 8);
  const auto r = map<8>(2, 7, 8);
  compare([](const auto& v, const auto& w) { return eval(conv2d<1, 1>(v, w)); }, x, parameter_of<shape<3, 3, 6, 8>>(1));
  compare([](const auto& v, const auto& w) { return eval(conv2d<2, 1>(v, w)); }, x, parameter_of<shape<3, 3, 6, 8>>(1));
  compare([](const auto& v, const auto& w) { return eval(conv2d<1, 2, 2, 2>(v, w)); }, x, parameter_of<shape<3, 3, 3, 8>>(1));
  compare([](const auto& v, const auto& w) { return eval(conv2d<2, 0>(v, w)); }, x, parameter_of<shape<1, 1, 6, 8>>(1));
  auto all_parts = [&]<int K>(std::integral_constant<int, K>) {
    const auto w = parameter_of<shape<K, K, 6, 8>>(1);
    compare([](const auto& v, const auto& f) { return eval(conv2d<1, K / 2>(v, f)); }, x, w);
    compare([](const auto& v, const auto& f, const auto& t) { return eval(relu(conv2d<1, K / 2>(v, f) + t)); }, x, w, parameter_of<C>(3));
    compare([](const auto& v, const auto& f, const auto& t, const auto& q) { return eval(relu(conv2d<1, K / 2>(v, f) + t + q)); }, x, w,
            parameter_of<C>(3), r);
    compare([](const auto& v, const auto& f, const auto& s, const auto& t,
               const auto& q) { return eval(relu(conv2d<1, K / 2>(v, f) * value(s) + t + q)); },
            x, w, parameter_of<C>(2), parameter_of<C>(3), r);
    compare([](const auto& v, const auto& f, const auto& s, const auto& t) { return eval(conv2d<1, K / 2>(v, f) * s + t); }, x, w, parameter_of<C>(2),
            parameter_of<C>(3));
  };
  all_parts(std::integral_constant<int, 1>{});
  all_parts(std::integral_constant<int, 3>{});
  kernel_test::compare([](const auto& v, const auto& w, const auto& t) { return eval(relu(conv2d<1, 1>(v, w) + t)); }, x,
                       parameter_of<shape<3, 3, 6, 8>>(1), parameter_of<C>(3));
}

TEST_CASE("a device's linear layers and products are the host's") {
  using S = shape<dyn<"n">, 12>;
  for (extent_t n : {0, 1, 9})
    kernel_test::compare([](const auto& x, const auto& w, const auto& b) { return linear(x, w, b); }, random_normal<double, S>({n, 12}, {4, 1}),
                         parameter_of<shape<12, 7>>(4), parameter_of<shape<7>>(5));
  kernel_test::compare([](const auto& x, const auto& w) { return linear(x, w); }, random_normal<double, S>({5, 12}, {4, 1}),
                       parameter_of<shape<12, 7>>(4));
  using A = shape<dyn<"b">, 5, 6>;
  using B = shape<dyn<"b">, 6, 4>;
  const auto a = random_normal<double, A>({3, 5, 6}, {4, 2});
  const auto b = random_normal<double, B>({3, 6, 4}, {4, 3});
  kernel_test::compare([](const auto& u, const auto& v) { return eval(matmul(u, v)); }, a, b);
  kernel_test::compare([](const auto& u, const auto& v) { return eval(matmul(transpose(v), transpose(u))); }, a, b);
}
