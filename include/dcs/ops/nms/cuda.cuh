// Non-maximum suppression as kernels of the block interface; the host waits for nothing. First, all overlaps are computed in parallel, in tiles of 64
// × 64 boxes: for every box and every earlier tile, one 64-bit word says which boxes of that tile would suppress the box. Then one block goes through
// the tiles in order: one warp decides which of a tile's 64 boxes are kept, in a few rounds of ballots, and every warp marks the boxes of its later
// tiles that these suppress, by a ballot each, while the words for the next tile are being read. Many independent problems (levels of images) share
// the launches.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/expr/scalar.hpp>
#include <dcs/ops/nms/cuda_overlaps.cuh>
#include <dcs/ops/nms/cuda_survivors.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// Sorts boxes by falling score: a box's position is the number of boxes that come before it. A box whose score is NaN gets NaN coordinates, by which
/// later kernels recognise that it must be ignored.
template <class T>
struct nms_rank_kernel {
  static constexpr const char* name = "nms_rank";
  static constexpr int threads = 256;
  using A = arithmetic_t<T>;
  device_span<const T> boxes, scores;
  device_span<const std::int64_t> group;  // null: none
  device_span<A> sorted;
  device_span<std::int32_t> order, sorted_group;
  A nan;

  std::int64_t blocks() const { return ceil_div(scores.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return threads * static_cast<std::int64_t>(sizeof(A)); }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    using U = detail::key_of<A>;
    const auto keys = b.template shared<U>(threads, "keys");
    const auto score = b.global(scores, "scores");
    const std::int64_t i = b.index(), n = scores.size;
    const A own_score = i < n ? score.read(i) : A(0);
    const U key = detail::falling_key(own_score);
    std::int64_t place = 0;
    for (std::int64_t begin = 0; begin < n; begin += threads) {
      if (begin + b.thread() < n) keys.write(b.thread(), detail::falling_key(score.read(begin + b.thread())));
      b.barrier();
      const int in_chunk = n - begin < threads ? static_cast<int>(n - begin) : threads;
      for (int k = 0; k < in_chunk; ++k) {
        const U other = keys.read(k);
        place += other < key || (other == key && begin + k < i);
      }
      b.barrier();
    }
    if (i >= n) return;
    const auto in = b.global(boxes, "boxes");
    const auto out = b.global(sorted, "sorted boxes");
    for (int k = 0; k < 4; ++k) out.write(4 * place + k, own_score == own_score ? in.read(4 * i + k) : nan);
    b.global(order, "order").write(place, static_cast<std::int32_t>(i));
    if (group) b.global(sorted_group, "sorted groups").write(place, static_cast<std::int32_t>(b.global(group, "groups").read(i)));
  }
};

/// Suppression within each of the problems: `kept`, of `kept_stride` places for each problem, receives the names of the kept boxes, and -1 after the
/// last. Boxes, aligned to 16 bytes, are sorted by falling score.
template <class A, class Name, gpu D>
void suppress(D, const nms_problems& all, const A* boxes, const std::int32_t* group, const std::int32_t* names, double threshold, Name* kept,
              std::int64_t kept_stride, Name* kept_count) {
  if (all.problems == 0) return;
  const device_scratch<std::uint64_t, D> overlaps(all.problems * all.words());
  const device_span<const A> b{boxes, 4 * all.problems * all.stride};
  const device_span<const std::int32_t> g{group, group ? all.problems * all.stride : 0}, n{names, names ? all.problems * all.stride : 0};
  const A bound = detail::overlap_bound<A>(threshold);
  if (group)
    launch(D{}, nms_overlaps_kernel<A, true>(all, b, g, overlaps.span(), bound));
  else
    launch(D{}, nms_overlaps_kernel<A, false>(all, b, g, overlaps.span(), bound));
  launch(D{}, nms_survivors_kernel<A, Name>{all, b, overlaps.span(), n, {kept, all.problems * kept_stride}, {kept_count, all.problems}, kept_stride});
}

/// dcs::nms with everything in the device's memory: the first *count of the n numbers at `kept` are the indices of the kept boxes, by falling score
/// (equal scores in their order); the rest are -1. A box with a NaN score or corner is ignored: it neither suppresses others nor is kept. `group` may
/// be null.
template <class T, gpu D>
void nms(D, const T* boxes, const T* scores, std::int64_t n, double threshold, const std::int64_t* group, std::int64_t* kept, std::int64_t* count) {
  using A = arithmetic_t<T>;
  expect(n >= 0 && n < std::int64_t{1} << 31, "dcs::nms: ", n, " boxes; expected less than 2^31");
  const nms_problems one{1, ceil_div(n, std::int64_t{nms_tile}) * nms_tile, 1, {static_cast<std::int32_t>(n)}};
  const device_scratch<A, D> sorted(4 * one.stride);
  const device_scratch<std::int32_t, D> order(one.stride), sorted_group(group ? one.stride : 0);
  launch(D{}, nms_rank_kernel<T>{
                  {boxes, 4 * n}, {scores, n}, {group, n}, sorted.span(), order.span(), sorted_group.span(), std::numeric_limits<A>::quiet_NaN()});
  suppress(D{}, one, sorted.data(), group ? sorted_group.data() : nullptr, order.data(), threshold, kept, n, count);
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
