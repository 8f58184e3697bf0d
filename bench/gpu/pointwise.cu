// Norms, a chain of pointwise functions, in-place operations, and the optimiser's step.
#include "measure.cuh"

#include <dcs/cuda/epilogue.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/grad/accumulate.cuh>
#include <dcs/ops/batch_norm/batch_norm.hpp>
#include <dcs/ops/batch_norm/cuda.cuh>
#include <dcs/ops/layer_norm/cuda.cuh>
#include <dcs/ops/reduce/reduce.hpp>
#include <dcs/optim/adamw.cuh>

namespace gpu_bench {

namespace {

using dcs::cuda::arithmetic_t;

template <class T>
void batch_norm(meter& m) {
  const std::int64_t rows = 4 * 64 * 64, channels = 256;
  const buffer<T> x(rows * channels), y(rows * channels), dy(rows * channels), dx(rows * channels), gamma(channels), beta(channels), dgamma(channels),
      dbeta(channels), mean(channels), variance(channels);
  const buffer<double> moments(2 * channels);
  const buffer<arithmetic_t<T>> numbers(2 * channels);
  const double bytes = static_cast<double>(x.bytes());
  m.run<T>("batch_norm_forward", 3 * bytes, 0, [&] {
    dcs::cuda::norm_statistics<T>(device{}, x.data(), gamma.data(), beta.data(), 0.1, 1e-5, rows, channels, mean.data(), variance.data(),
                                  moments.data(), moments.data() + channels, numbers.data(), numbers.data() + channels);
    dcs::cuda::norm_forward<T>(device{}, x.data(), numbers.data(), numbers.data() + channels, nullptr, false, y.data(), rows, channels);
  });
  m.run<T>("batch_norm_backward", 5 * bytes, 0, [&] {
    dcs::cuda::norm_backward<T>(device{}, x.data(), nullptr, dy.data(), gamma.data(), moments.data(), moments.data() + channels, rows, channels,
                                dx.data(), nullptr, dgamma.data(), dbeta.data());
  });
}

// Batch norm with known statistics, as a pass of its own.
template <class T>
void batch_norm_inference(meter& m) {
  using vector = dcs::shape<256>;
  const auto x = numbers<T, dcs::shape<dcs::dyn<"n">, 64, 64, 256>>({4, 64, 64, 256});
  const auto gamma = numbers<T, vector>({256}), beta = numbers<T, vector>({256});
  const auto mean = numbers<arithmetic_t<T>, vector>({256}), variance = dcs::tensor<arithmetic_t<T>, vector, device>::full({256}, 1);
  m.run<T>("batch_norm_inference", 2 * static_cast<double>(x.bytes()), 0,
           [&] { (void)dcs::eval(dcs::batch_norm_inference(x, gamma, beta, mean, variance, 1e-5)); });
}

template <class T>
void layer_norm(meter& m) {
  const std::int64_t rows = 4 * 5440, n = 256;
  const buffer<T> x(rows * n), y(rows * n), dy(rows * n), dx(rows * n), gamma(n), beta(n), dgamma(n), dbeta(n);
  const buffer<double> statistics(2 * rows);
  const double bytes = static_cast<double>(x.bytes());
  m.run<T>("layer_norm_forward", 2 * bytes, 0, [&] {
    dcs::cuda::layer_norm_forward<T>(device{}, x.data(), nullptr, gamma.data(), beta.data(), 1e-5, nullptr, y.data(), statistics.data(), rows, n);
  });
  m.run<T>("layer_norm_backward", 3 * bytes, 0, [&] {
    dcs::cuda::layer_norm_backward<T>(device{}, x.data(), dy.data(), gamma.data(), statistics.data(), dx.data(), dgamma.data(), dbeta.data(), rows,
                                      n);
  });
}

// relu(x · scale + shift) · sigmoid(x): one pass forward; backward one pass and the sums for scale and shift.
template <class T>
void chain(meter& m) {
  using namespace dcs;
  const auto x = numbers<T, shape<dyn<"n">, 256>>({65536, 256});
  const auto scale = numbers<T, shape<256>>({256}), shift = numbers<T, shape<256>>({256});
  const double map = static_cast<double>(x.bytes());
  both_ways(
      m, "chain", 2 * map, 3 * map, [](const auto& a, const auto& s, const auto& t) { return relu(a * s + t) * sigmoid(a); }, x, scale, shift);
}

// Shift and ReLU after a convolution of a library; the sum of two gradients; filling with a constant.
template <class T>
void in_place(meter& m) {
  const std::int64_t rows = 65536, channels = 256;
  const buffer<T> x(rows * channels), more(x.size()), shift(channels);
  const double bytes = static_cast<double>(x.bytes());
  const dcs::cpu::epilogue<T> e{nullptr, shift.data(), nullptr, 0, true};
  m.run<T>("epilogue", 2 * bytes, 0, [&] { dcs::cuda::finish(device{}, rows, channels, e, x.data()); });
  m.run<T>("add_into", 3 * bytes, 0, [&] { dcs::cuda::add_into(device{}, x.data(), more.data(), x.size()); });
  m.run<T>("fill", bytes, 0, [&] { device::fill(x.data(), static_cast<T>(1.0f), x.size()); });
}

void adamw(meter& m) {
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < 40; ++i)
    for (std::int64_t n : {1 << 20, 1 << 18, 1 << 16, 256}) sizes.push_back(n);
  std::vector<buffer<float>> memory;
  std::vector<dcs::adamw_parameter<float>> parameters;
  double count = 0;
  for (auto n : sizes) {
    for (int k = 0; k < 4; ++k) memory.emplace_back(n);
    device::zero(memory.back().data(), memory.back().bytes());  // the second moment
    const auto* of = &memory[memory.size() - 4];
    parameters.push_back({of[0].data(), of[1].data(), {of[2].data(), of[3].data()}, nullptr, n});
    count += static_cast<double>(n);
  }
  const auto numbers = dcs::adamw_numbers::of({1e-4, 0.9, 0.999, 1e-8, 1e-4, 1.0}, 10);
  dcs::optimizer_memory kept;
  // The gradient is read for the norm, then with parameter and moments, which are written.
  m.run<float>("adamw_clipped", 32 * count, 0, [&] {
    dcs::cuda::measure_gradients(device{}, parameters, 1.0, kept);
    dcs::cuda::move_parameters(device{}, parameters, numbers, kept);
  });
}

template <class T>
void cases(meter& m) {
  batch_norm<T>(m);
  batch_norm_inference<T>(m);
  layer_norm<T>(m);
  chain<T>(m);
  in_place<T>(m);
}

}  // namespace

void pointwise_cases(meter& m) { cases<float>(m), cases<dcs::bf16>(m), adamw(m); }

}  // namespace gpu_bench
