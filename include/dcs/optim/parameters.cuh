// What optimisers do on a device whatever their rule. Arrays are cut into chunks of 8192 elements, one for each block, which tables on the device
// list: blocks are alike whatever the parameters' sizes, and the sum of squares is a tree that depends on the sizes alone. Tables are sent only where
// a step's arrays are not those of the step before. Norm and clipping factor stay on the device, in double. A step is three launches for all
// parameters, however many, and no wait of the host between them.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/cuda/device.hpp>
#include <dcs/expr/scalar.hpp>
#include <dcs/optim/parameters.hpp>

DCS_EXACT_MATH
namespace dcs::cuda {

/// A chunk: the number of its array, and its own number in it.
struct chunk_place {
  std::int32_t array, chunk;
  static constexpr std::int64_t elements = 8192;
};

/// The elements [begin, end) of a chunk; up to `whole` in packets of `width`.
struct chunk_range {
  std::int64_t begin, end, whole;

  DCS_DEVICE static chunk_range of(const chunk_place& place, std::int64_t size, int width) {
    const std::int64_t begin = place.chunk * chunk_place::elements, left = size - begin;
    const std::int64_t end = begin + (left < chunk_place::elements ? left : chunk_place::elements);
    return {begin, end, end - (end - begin) % width};
  }
};

/// The sum of squares of each chunk of the gradients: in T within 16 bytes, in double beyond.
template <class T, class G, int Moments>
struct gradient_squares_kernel {
  static constexpr const char* name = "gradient_squares";
  static constexpr int threads = 256;
  static constexpr int width = packet_size<T>, packets = static_cast<int>(chunk_place::elements) / (threads * width);
  device_span<const optimizer_parameter<T, G, Moments>> parameters;
  device_span<const chunk_place> places;
  device_span<double> partial;

  std::int64_t blocks() const { return places.size; }
  static constexpr std::int64_t shared_bytes() { return threads / warp_size * static_cast<std::int64_t>(sizeof(double)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    auto warps = b.template shared<double>(threads / warp_size, "sums of warps");
    const auto place = b.global(places, "places").read(b.block());
    const auto p = b.global(parameters, "parameters").read(place.array);
    const auto g = b.global(device_span<const G>{p.gradient, p.size}, "gradient");
    const auto [begin, end, whole] = chunk_range::of(place, p.size, width);
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

/// What the kernel of each rule is: Element, made of the step's numbers for the parameter's group, moves one element by its clipped gradient. A
/// kernel derives from this and adds its name, and its number of threads, which is this one's.
template <class T, class G, int Moments, class Numbers, class Element>
struct update_of_chunks {
  static constexpr int block_threads = 256, width = packet_size<T>;
  using parameter = optimizer_parameter<T, G, Moments>;
  using numbers_type = Numbers;
  device_span<const parameter> parameters;
  device_span<const chunk_place> places;
  device_span<const double> result;
  device_span<const Numbers> numbers;  // where not null, the step's numbers are read here
  Numbers known;                       // what they are otherwise

  std::int64_t blocks() const { return places.size; }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto place = b.global(places, "places").read(b.block());
    const auto p = b.global(parameters, "parameters").read(place.array);
    const double factor = b.global(result, "result").read(1);
    if (!(factor == factor)) return;
    if (p.condition && b.global(device_span<const T>{p.condition, 1}, "condition").read(0) == T(0)) return;
    const Numbers common = numbers ? b.global(numbers, "numbers of the step").read(0) : known;
    const Element element(common.of_group(p.group));
    const auto [begin, end, whole] = chunk_range::of(place, p.size, width);
    for (std::int64_t i = begin + b.thread() * width; i < whole; i += block_threads * width) move<width>(b, p, i, static_cast<T>(factor), element);
    if (whole + b.thread() < end) move<1>(b, p, whole + b.thread(), static_cast<T>(factor), element);
  }

 private:
  template <int N, class Block>
  DCS_DEVICE static void move(Block& b, const parameter& p, std::int64_t i, T clip, const Element& element) {
    const auto value = b.global(device_span<T>{p.value, p.size}, "parameter");
    const auto g = b.global(device_span<const G>{p.gradient, p.size}, "gradient").template read<N>(i);
    auto x = value.template read<N>(i);
    packet<T, N> m[Moments];
    DCS_DEVICE_UNROLL
    for (int j = 0; j < Moments; ++j) m[j] = b.global(device_span<T>{p.moments[j], p.size}, "moment").template read<N>(i);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) {
      T moments[Moments];
      DCS_DEVICE_UNROLL
      for (int j = 0; j < Moments; ++j) moments[j] = m[j][k];
      element(x[k], static_cast<T>(g[k]) * clip, moments);
      DCS_DEVICE_UNROLL
      for (int j = 0; j < Moments; ++j) m[j][k] = moments[j];
    }
    DCS_DEVICE_UNROLL
    for (int j = 0; j < Moments; ++j) b.global(device_span<T>{p.moments[j], p.size}, "moment").write(i, m[j]);
    value.write(i, x);
    if (p.copy) {
      packet<float, N> rounded;
      DCS_DEVICE_UNROLL
      for (int k = 0; k < N; ++k) rounded[k] = static_cast<float>(x[k]);
      b.global(device_span<bf16>{p.copy, p.size}, "copy").write(i, rounded);
    }
  }
};

/// The tables of `rows` in memory: sent where the rows are not those of the call before, as new memory, so that a captured step goes on with its own.
/// A row has `size` elements, and says its addresses. Throws dcs::error for memory that is not aligned to 16 bytes.
template <class Row, gpu D>
void send_tables(D, const std::vector<Row>& rows, chunk_tables& tables) {
  const auto* bytes = reinterpret_cast<const std::byte*>(rows.data());
  const std::size_t length = rows.size() * sizeof(Row);
  if (tables.made && tables.listed.size() == length && std::equal(bytes, bytes + length, tables.listed.begin())) return;
  std::vector<std::int64_t> sizes;
  for (const auto& r : rows) {
    sizes.push_back(r.size);
    r.for_each_address([&](const void* at) {
      expect(reinterpret_cast<std::uintptr_t>(at) % 16 == 0, "dcs::optimizer: memory of a parameter of ", r.size,
             " elements is not aligned to 16 bytes");
    });
  }
  if (!tables.made || sizes != tables.sizes) {
    std::vector<chunk_place> places;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      for (std::int64_t c = 0; c < ceil_div(sizes[i], chunk_place::elements); ++c)
        places.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(c)});
    tables.places = constant(D{}, places.data(), static_cast<std::int64_t>(places.size() * sizeof(chunk_place)));
    tables.sizes = sizes;
  }
  keep(D{}, tables.rows);  // a capture cannot free what is older
  tables.rows = constant(D{}, bytes, static_cast<std::int64_t>(length));
  tables.listed.assign(bytes, bytes + length);
  tables.made = true;
}
template <class Row>
device_span<const Row> rows_of(const chunk_tables& tables) {
  return {static_cast<const Row*>(tables.rows.data()), static_cast<std::int64_t>(tables.sizes.size())};
}
inline device_span<const chunk_place> places_of(const chunk_tables& tables) {
  return {static_cast<const chunk_place*>(tables.places.data()), tables.places.bytes() / static_cast<std::int64_t>(sizeof(chunk_place))};
}

/// The norm of all gradients together, and the clipping factor, into memory.result. Gradients may be of 16 bits. Throws dcs::error for memory that is
/// not aligned to 16 bytes.
template <class T, class G, int Moments, gpu D>
void measure_gradients(D, const std::vector<optimizer_parameter<T, G, Moments>>& parameters, double clip_norm, optimizer_memory& memory) {
  send_tables(D{}, parameters, memory.tables);
  const auto places = places_of(memory.tables);
  if (const auto bytes = places.size * static_cast<std::int64_t>(sizeof(double)); !memory.partial || memory.partial.bytes() != bytes)
    memory.partial = storage::allocate<D>(bytes);
  if (!memory.result) memory.result = storage::allocate<D>(2 * sizeof(double));
  for (const storage* s : {&memory.tables.rows, &memory.tables.places, &memory.partial, &memory.result}) keep(D{}, *s);
  auto* partial = static_cast<double*>(memory.partial.data());
  launch(D{}, gradient_squares_kernel<T, G, Moments>{rows_of<optimizer_parameter<T, G, Moments>>(memory.tables), places, {partial, places.size}});
  launch(D{}, gradient_norm_kernel{{partial, places.size}, {static_cast<double*>(memory.result.data()), 2}, clip_norm});
}

/// Launches the kernel of a rule, an update_of_chunks, over the parameters that were measured last.
template <class Kernel, gpu D>
void launch_update(D, const typename Kernel::numbers_type& numbers, const optimizer_memory& memory) {
  launch(D{}, Kernel{{rows_of<typename Kernel::parameter>(memory.tables),
                      places_of(memory.tables),
                      {static_cast<const double*>(memory.result.data()), 2},
                      {static_cast<const typename Kernel::numbers_type*>(memory.numbers.data()), 1},
                      numbers}});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
