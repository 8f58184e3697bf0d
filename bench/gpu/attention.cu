// Attention with 8 heads: depth 32 with the three numbers of tokens of DCSNet, depth 64, and depth 48, for which the kernels for any depth are used.
// Softmax over rows and over columns of scores.
#include "measure.cuh"

#include <dcs/ops/attention/cuda.cuh>
#include <dcs/ops/softmax/cuda.cuh>

namespace gpu_bench {

namespace {

template <class T>
void attention(meter& m, std::int64_t batch, std::int64_t tokens, std::int64_t depth = 32) {
  const dcs::attention_geometry g{batch * 8, tokens, tokens, depth, 1 / std::sqrt(static_cast<double>(depth))};
  const std::int64_t n = g.heads * tokens * g.depth;
  const buffer<T> q(n), k(n), v(n), o(n), dy(n), dq(n), dk(n), dv(n);
  const buffer<float> logsum(g.heads * tokens);
  const double product = 2.0 * static_cast<double>(n) * static_cast<double>(tokens), bytes = static_cast<double>(q.bytes());
  const auto name = "attention_" + std::to_string(tokens) + (depth == 32 ? "" : "_depth_" + std::to_string(depth));
  m.run<T>(name + "_forward", 4 * bytes, 2 * product,
           [&] { dcs::cuda::attention_forward<T>(device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data()); });
  m.run<T>(name + "_backward", 8 * bytes, 5 * product, [&] {
    dcs::cuda::attention_backward<T>(device{}, g, q.data(), k.data(), v.data(), o.data(), logsum.data(), dy.data(), dq.data(), dk.data(), dv.data());
  });
}

// Softmax over the middle axis.
template <class T>
void softmax(meter& m, const std::string& name, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  const std::int64_t size = outer * n * inner;
  const buffer<T> x(size), y(size), dx(size);
  const double bytes = static_cast<double>(x.bytes());
  m.run<T>(name + "_forward", 2 * bytes, 0, [&] { dcs::cuda::softmax_forward(device{}, x.data(), y.data(), outer, n, inner); });
  m.run<T>(name + "_backward", 3 * bytes, 0, [&] { dcs::cuda::softmax_backward(device{}, y.data(), x.data(), dx.data(), outer, n, inner); });
}

template <class T>
void cases(meter& m) {
  attention<T>(m, 16, 256);
  attention<T>(m, 4, 1360);
  attention<T>(m, 1, 5440);
  attention<T>(m, 4, 1360, 64);
  attention<T>(m, 4, 1360, 48);
  softmax<T>(m, "softmax_256", 65536, 256, 1);
  softmax<T>(m, "softmax_5440", 4096, 5440, 1);
  softmax<T>(m, "softmax_columns", 64, 4, 65536);
}

}  // namespace

void attention_cases(meter& m) { cases<float>(m), cases<dcs::bf16>(m); }

}  // namespace gpu_bench
