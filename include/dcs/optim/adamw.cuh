// AdamW as kernels of the block interface: three launches for all parameters, however many, and no wait of the host between them. The parameters are
// cut into chunks of 8192 elements, one for each block, which a table on the device lists: blocks are alike whatever the parameters' sizes, and the
// sum of squares is a tree that depends on the sizes alone. Tables are sent only where a step's parameters are not those of the step before. Norm and
// clipping factor stay on the device, in double.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/optim/adamw.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

namespace detail {
inline constexpr std::int64_t adamw_chunk = 8192;

struct adamw_place {
  std::int32_t parameter, chunk;
};
}  // namespace detail

/// The sum of squares of each chunk of the gradients: in T within 16 bytes, in double beyond.
template <class T, class G>
struct gradient_squares_kernel {
  static constexpr const char* name = "gradient_squares";
  static constexpr int threads = 256;
  static constexpr int width = packet_size<T>, packets = static_cast<int>(detail::adamw_chunk) / (threads * width);
  device_span<const adamw_parameter<T, G>> parameters;
  device_span<const detail::adamw_place> places;
  device_span<double> partial;

  std::int64_t blocks() const { return places.size; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    auto warps = b.template shared<double>(threads / warp_size, "sums of warps");
    const auto place = b.global(places, "places").read(b.block());
    const auto p = b.global(parameters, "parameters").read(place.parameter);
    const auto g = b.global(device_span<const G>{p.gradient, p.size}, "gradient");
    const std::int64_t begin = place.chunk * detail::adamw_chunk, left = p.size - begin;
    const std::int64_t end = begin + (left < detail::adamw_chunk ? left : detail::adamw_chunk), whole = end - (end - begin) % width;
    packet<T, width> x[packets] = {};
    DCS_DEVICE_UNROLL
    for (int k = 0; k < packets; ++k) {
      const std::int64_t i = begin + (k * threads + b.thread()) * width;
      if (i < whole) {
        const auto read = g.template read<width>(i);
        DCS_DEVICE_UNROLL
        for (int v = 0; v < width; ++v) x[k][v] = static_cast<T>(read[v]);
      }
    }
    double sum = 0;
    DCS_DEVICE_UNROLL
    for (int k = 0; k < packets; ++k) {
      T s = 0;
      DCS_DEVICE_UNROLL
      for (int v = 0; v < width; ++v) s += x[k][v] * x[k][v];
      sum += static_cast<double>(s);
    }
    if (whole + b.thread() < end) {
      const T rest = static_cast<T>(g.read(whole + b.thread()));
      sum += static_cast<double>(rest * rest);
    }
    sum = block_sum(b, warps, sum);
    if (b.thread() == 0) b.global(partial, "partial sums").write(b.block(), sum);
  }
};

/// The norm and the clipping factor, not a number where the norm is not finite. One block.
struct gradient_norm_kernel {
  static constexpr const char* name = "gradient_norm";
  static constexpr int threads = 1024;
  device_span<const double> partial;
  device_span<double> result;
  double clip_norm;

  std::int64_t blocks() const { return 1; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    auto warps = b.template shared<double>(threads / warp_size, "sums of warps");
    const auto in = b.global(partial, "partial sums");
    double sum = 0;
    for (std::int64_t i = b.thread(); i < partial.size; i += threads) sum += in.read(i);
    sum = block_sum(b, warps, sum);
    if (b.thread() != 0) return;
    const double norm = lane::square_root(sum), zero = norm - norm;
    const auto out = b.global(result, "result");
    out.write(0, norm);
    out.write(1, clip_norm > 0 && norm > clip_norm ? clip_norm / (norm + 1e-6) + zero : 1 + zero);
  }
};

/// Moments and parameters of every chunk. 7 accesses of 16 bytes for each packet.
template <class T, class G>
struct adamw_update_kernel {
  static constexpr const char* name = "adamw_update";
  static constexpr int threads = 256;
  static constexpr int width = packet_size<T>;
  device_span<const adamw_parameter<T, G>> parameters;
  device_span<const detail::adamw_place> places;
  device_span<const double> result;
  device_span<const adamw_numbers> numbers;  // where not null, rate, root and decay are read here
  T beta1, beta2, rate, root, eps, decay;

  std::int64_t blocks() const { return places.size; }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto place = b.global(places, "places").read(b.block());
    const auto p = b.global(parameters, "parameters").read(place.parameter);
    const double factor = b.global(result, "result").read(1);
    if (!(factor == factor)) return;
    if (p.condition && b.global(device_span<const T>{p.condition, 1}, "condition").read(0) == T(0)) return;
    step_numbers now{static_cast<T>(factor), rate, root, decay};
    if (numbers) {
      const auto n = b.global(numbers, "numbers of the step").read(0);
      now = {now.clip, static_cast<T>(n.rate), static_cast<T>(n.root), static_cast<T>(n.decay)};
    }
    const std::int64_t begin = place.chunk * detail::adamw_chunk, left = p.size - begin;
    const std::int64_t end = begin + (left < detail::adamw_chunk ? left : detail::adamw_chunk), whole = end - (end - begin) % width;
    for (std::int64_t i = begin + b.thread() * width; i < whole; i += threads * width) move<width>(b, p, i, now);
    if (whole + b.thread() < end) move<1>(b, p, whole + b.thread(), now);
  }

 private:
  struct step_numbers {
    T clip, rate, root, decay;
  };
  template <int N, class Block>
  DCS_DEVICE void move(Block& b, const adamw_parameter<T, G>& p, std::int64_t i, const step_numbers& now) const {
    const auto value = b.global(device_span<T>{p.value, p.size}, "parameter"), first = b.global(device_span<T>{p.first, p.size}, "first moment"),
               second = b.global(device_span<T>{p.second, p.size}, "second moment");
    const auto g = b.global(device_span<const G>{p.gradient, p.size}, "gradient").template read<N>(i);
    auto x = value.template read<N>(i), m = first.template read<N>(i), v = second.template read<N>(i);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) {
      const T gradient = static_cast<T>(g[k]) * now.clip;
      m[k] = m[k] * beta1 + gradient * (1 - beta1), v[k] = v[k] * beta2 + gradient * gradient * (1 - beta2);
      x[k] = x[k] * now.decay - now.rate * m[k] / (lane::square_root(v[k]) * now.root + eps);
    }
    first.write(i, m), second.write(i, v), value.write(i, x);
    if (p.copy) {
      packet<float, N> rounded;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < N; ++k) rounded[k] = static_cast<float>(x[k]);
      b.global(device_span<bf16>{p.copy, p.size}, "copy").write(i, rounded);
    }
  }
};

namespace detail {
// The tables of `parameters` in memory: sent where the parameters are not those of the step before, as new memory, so that a captured step goes on
// with its own.
template <class T, class G, gpu D>
void adamw_tables(D, const std::vector<adamw_parameter<T, G>>& parameters, adamw_memory& memory) {
  const auto* bytes = reinterpret_cast<const std::byte*>(parameters.data());
  const std::size_t length = parameters.size() * sizeof(adamw_parameter<T, G>);
  if (memory.result && memory.listed.size() == length && std::equal(bytes, bytes + length, memory.listed.begin())) return;
  std::vector<std::int64_t> sizes;
  for (const auto& p : parameters) {
    sizes.push_back(p.size);
    for (const void* at : {static_cast<const void*>(p.value), static_cast<const void*>(p.gradient), static_cast<const void*>(p.first),
                           static_cast<const void*>(p.second), static_cast<const void*>(p.copy)})
      expect(reinterpret_cast<std::uintptr_t>(at) % 16 == 0, "dcs::adamw: memory of a parameter of ", p.size, " elements is not aligned to 16 bytes");
  }
  if (!memory.result || sizes != memory.sizes) {
    std::vector<adamw_place> places;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      for (std::int64_t c = 0; c < ceil_div(sizes[i], adamw_chunk); ++c)
        places.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(c)});
    memory.chunks = constant(D{}, places.data(), static_cast<std::int64_t>(places.size() * sizeof(adamw_place)));
    memory.partial = storage::allocate<D>(static_cast<std::int64_t>(places.size() * sizeof(double)));
    if (!memory.result) memory.result = storage::allocate<D>(2 * sizeof(double));
    memory.sizes = sizes;
  }
  keep(D{}, memory.parameters);  // a capture cannot free what is older
  memory.parameters = constant(D{}, bytes, static_cast<std::int64_t>(length));
  memory.listed.assign(bytes, bytes + length);
}
}  // namespace detail

/// The norm of all gradients together, and the clipping factor, into memory.result. Gradients may be of 16 bits. Throws dcs::error for memory that is
/// not aligned to 16 bytes.
template <class T, class G, gpu D>
void adamw_measure(D, const std::vector<adamw_parameter<T, G>>& parameters, const adamw_numbers& o, adamw_memory& memory) {
  detail::adamw_tables(D{}, parameters, memory);
  for (const storage* s : {&memory.parameters, &memory.chunks, &memory.partial, &memory.result}) keep(D{}, *s);
  const auto count = memory.partial.bytes() / static_cast<std::int64_t>(sizeof(double));
  auto* partial = static_cast<double*>(memory.partial.data());
  launch(D{}, gradient_squares_kernel<T, G>{
                  {static_cast<const adamw_parameter<T, G>*>(memory.parameters.data()), static_cast<std::int64_t>(parameters.size())},
                  {static_cast<const detail::adamw_place*>(memory.chunks.data()), count},
                  {partial, count}});
  launch(D{}, gradient_norm_kernel{{partial, count}, {static_cast<double*>(memory.result.data()), 2}, o.clip_norm});
}

/// Moves the parameters that were measured last by their gradients, clipped; nothing moves if the norm is not finite.
template <class T, class G, gpu D>
void adamw_move(D, const std::vector<adamw_parameter<T, G>>& parameters, const adamw_numbers& o, const adamw_memory& memory) {
  const auto count = memory.partial.bytes() / static_cast<std::int64_t>(sizeof(double));
  launch(D{}, adamw_update_kernel<T, G>{
                  {static_cast<const adamw_parameter<T, G>*>(memory.parameters.data()), static_cast<std::int64_t>(parameters.size())},
                  {static_cast<const detail::adamw_place*>(memory.chunks.data()), count},
                  {static_cast<const double*>(memory.result.data()), 2},
                  {static_cast<const adamw_numbers*>(memory.numbers.data()), 1},
                  static_cast<T>(o.beta1),
                  static_cast<T>(o.beta2),
                  static_cast<T>(o.rate),
                  static_cast<T>(o.root),
                  static_cast<T>(o.eps),
                  static_cast<T>(o.decay)});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
