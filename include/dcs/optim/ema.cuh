// Averages of weights on a device: one launch for all of them, however many.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/optim/ema.hpp>
#include <dcs/optim/parameters.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// average += share · (value - average) in every chunk. 3 accesses of 16 bytes for each packet.
template <class T>
struct ema_update_kernel {
  static constexpr const char* name = "ema_update";
  static constexpr int threads = 256;
  static constexpr int width = packet_size<T>;
  device_span<const average_row<T>> rows;
  device_span<const chunk_place> places;
  T share;

  std::int64_t blocks() const { return places.size; }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const auto place = b.global(places, "places").read(b.block());
    const auto r = b.global(rows, "averages").read(place.array);
    const auto [begin, end, whole] = chunk_range::of(place, r.size, width);
    for (std::int64_t i = begin + b.thread() * width; i < whole; i += threads * width) move<width>(b, r, i);
    if (whole + b.thread() < end) move<1>(b, r, whole + b.thread());
  }

 private:
  template <int N, class Block>
  DCS_DEVICE void move(Block& b, const average_row<T>& r, std::int64_t i) const {
    const auto average = b.global(device_span<T>{r.average, r.size}, "average");
    const auto value = b.global(device_span<const T>{r.value, r.size}, "value").template read<N>(i);
    auto x = average.template read<N>(i);
    DCS_DEVICE_UNROLL
    for (int k = 0; k < N; ++k) x[k] = x[k] + share * (value[k] - x[k]);
    average.write(i, x);
  }
};

/// average += share · (value - average). Throws dcs::error for memory that is not aligned to 16 bytes.
template <class T, gpu D>
void update_averages(D, const std::vector<average_row<T>>& rows, double share, chunk_tables& tables) {
  send_tables(D{}, rows, tables);
  for (const storage* s : {&tables.rows, &tables.places}) keep(D{}, *s);
  launch(D{}, ema_update_kernel<T>{rows_of<average_row<T>>(tables), places_of(tables), static_cast<T>(share)});
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
