// Ops that move elements, or change each by itself: exchanged axes, concatenation and slices, rows gathered from maps, casts, dropout.
#include "measure.cuh"

#include <dcs/cuda/gemm.cuh>
#include <dcs/ops/cast/cuda.cuh>
#include <dcs/ops/dropout/cuda.cuh>
#include <dcs/ops/gather/cuda.cuh>
#include <dcs/ops/matmul/matmul.hpp>
#include <dcs/ops/rearrange/cuda.cuh>
#include <dcs/ops/rearrange/rearrange.hpp>

namespace gpu_bench {

namespace {

using namespace dcs;

// Axes exchanged for the heads of attention, which keeps rows contiguous; tokens transposed to columns, which keeps nothing contiguous, by the kernel
// for any axes and by that of transpose(); four maps concatenated; one of the four sliced out.
template <class T>
void rearrange(meter& m) {
  const auto heads = numbers<T, shape<16, 1024, 8, 32>>({16, 1024, 8, 32});
  const double bytes = static_cast<double>(heads.bytes());
  both_ways(
      m, "permute_heads", 2 * bytes, 2 * bytes, [](const auto& x) { return permute<0, 2, 1, 3>(x); }, heads);
  const auto tokens = numbers<T, shape<16, 1024, 256>>({16, 1024, 256});
  both_ways(
      m, "transpose", 2 * bytes, 2 * bytes, [](const auto& x) { return permute<0, 2, 1>(x); }, tokens);
  both_ways(
      m, "transposition", 2 * bytes, 2 * bytes, [](const auto& x) { return dcs::transpose(x); }, tokens);
  using map = shape<16, 32, 32, 256>;
  const auto one = [] { return numbers<T, map>({16, 32, 32, 256}); };
  both_ways(
      m, "concat", 8 * bytes, 8 * bytes, [](const auto& a, const auto& b, const auto& c, const auto& d) { return concat<3>(a, b, c, d); }, one(),
      one(), one(), one());
  const auto four = numbers<T, shape<16, 32, 32, 1024>>({16, 32, 32, 1024});
  both_ways(
      m, "slice", 2 * bytes, 5 * bytes, [](const auto& x) { return slice<3, 256, 256>(x); }, four);
}

template <class T, extent_t Side>
auto level() {
  return numbers<T, shape<4, Side, Side, 12>>({4, Side, Side, 12});
}

// The box regressions of 1024 different anchors, gathered from the maps of five levels: with rows listed on the host, and with rows on the device.
template <class T>
void gather(meter& m) {
  std::vector<level_row> where;
  for (int i = 0; i < 1024; ++i) where.push_back({i % 4, i / 4 * 37 % (4 * 3 << 2 * (6 - i % 4))});
  const buffer<level_row> there(where);
  const cuda::device_rows rows{there.memory(), there.size()};
  const auto a = level<T, 64>();
  const auto b = level<T, 32>();
  const auto c = level<T, 16>();
  const auto d = level<T, 8>();
  const auto e = level<T, 4>();
  const double taken = static_cast<double>(there.size()) * 4 * sizeof(T), names = static_cast<double>(there.bytes());
  const double maps = static_cast<double>(a.bytes() + b.bytes() + c.bytes() + d.bytes() + e.bytes());
  both_ways(
      m, "gather_rows", 2 * taken + names, maps + taken + names, [&](const auto&... x) { return dcs::gather_rows<4>(where, x...); }, a, b, c, d, e);
  both_ways(
      m, "gather_device_rows", 2 * taken + names, maps + taken + names, [&](const auto&... x) { return cuda::gather_rows<4>(rows, x...); }, a, b, c,
      d, e);
}

// Forward and backward are the same kernel, as the mask is drawn again.
template <class T>
void dropout(meter& m) {
  const std::int64_t images = 16, pixels = 4096, channels = 256;
  const buffer<T> x(images * pixels * channels), y(x.size());
  for (bool by_channel : {false, true})
    for (const char* way : {"_forward", "_backward"})
      m.run<T>((by_channel ? "channel_dropout" : "dropout") + std::string(way), 2 * static_cast<double>(x.bytes()), 0, [&] {
        cuda::dropout_apply(device{}, x.data(), y.data(), images, pixels, channels, by_channel, 0.1, random_stream{1, 1});
      });
}

template <class From, class To>
void cast(meter& m) {
  const buffer<From> x(16 << 20);
  const buffer<To> y(x.size());
  m.run<From>("cast", static_cast<double>(x.bytes() + y.bytes()), 0, [&] { cuda::convert(device{}, x.data(), x.size(), y.data()); });
}

template <class T>
void cases(meter& m) {
  rearrange<T>(m);
  gather<T>(m);
  dropout<T>(m);
}

}  // namespace

void move_cases(meter& m) {
  cases<float>(m), cases<bf16>(m);
  cast<float, bf16>(m), cast<bf16, float>(m);
}

}  // namespace gpu_bench
