// Proposals chosen on the device by the rules of rpn.hpp, in four launches for all images and levels; the host waits for nothing. A block has one
// level of one image: it finds the key of the last candidate by radix selection (select.cuh; the anchor's index decides between equal scores),
// collects the candidates in shared memory, sorts them there and decodes them. Suppression is that of ops/nms. The boxes that each level keeps are
// merged by rank: a box's position among all is its position in its own level plus the number of boxes before it in each other level, found by
// bisection.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/proposal_candidates.cuh>
#include <dcs/ops/nms/cuda.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The best kept boxes of all levels of an image by falling score, equal scores by level; zeros in the remaining places. A thread has one kept box.
template <class A>
struct proposal_merge_kernel {
  static constexpr const char* name = "proposal_merge";
  static constexpr int threads = 256;
  nms_problems all;
  device_span<const A> boxes, scores;
  device_span<const std::int32_t> kept, kept_count;
  device_span<A> merged;
  device_span<std::int32_t> merged_count;
  std::int64_t most;

  std::int64_t blocks_of_image() const { return ceil_div(std::max(all.levels * all.stride, most), std::int64_t{threads}); }
  std::int64_t of_image = blocks_of_image();
  std::int64_t blocks() const { return all.problems / all.levels * of_image; }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t image = b.block() / of_image, i = b.block() % of_image * threads + b.thread();
    const auto counts = b.global(kept_count, "numbers kept");
    const auto out = b.global(merged, "proposals");
    std::int64_t total = 0;
    for (int l = 0; l < all.levels; ++l) total += counts.read(image * all.levels + l);
    if (i == 0) b.global(merged_count, "number of proposals").write(image, static_cast<std::int32_t>(total < most ? total : most));
    if (i < most && i >= total)
      for (int k = 0; k < 4; ++k) out.write(4 * (image * most + i) + k, A(0));
    const std::int64_t level = i / all.stride, rank = i % all.stride, problem = image * all.levels + level;
    if (level >= all.levels || rank >= counts.read(problem)) return;
    const auto order = b.global(kept, "kept");
    const auto score = b.global(scores, "scores");
    const std::int64_t from = problem * all.stride + order.read(problem * all.stride + rank);
    const A own_score = score.read(from);
    std::int64_t place = rank;
    for (std::int64_t l = 0; l < all.levels && place < most; ++l) {
      if (l == level) continue;
      const std::int64_t base = (image * all.levels + l) * all.stride;
      // Boxes [0, low) all come before this one, boxes [high, …) all after it.
      std::int64_t low = 0, high = counts.read(image * all.levels + l);
      while (low < high) {
        const std::int64_t middle = (low + high) / 2;
        const A other = score.read(base + order.read(base + middle));
        if (l < level ? other >= own_score : other > own_score)
          low = middle + 1;
        else
          high = middle;
      }
      place += low;
    }
    if (place >= most) return;
    const auto r = detail::read_corners<A>(b.global(boxes, "boxes"), from);
    const A corner[4] = {r.x1, r.y1, r.x2, r.y2};
    for (int k = 0; k < 4; ++k) out.write(4 * (image * most + place) + k, corner[k]);
  }
};

/// Proposals of all images, as dcs::propose chooses them: boxes [images][most][4], zeros in the remaining places, and the number of boxes of each
/// image; `most` is o.after_nms or o.after_nms_training. An anchor whose objectness is NaN is never chosen. Throws dcs::error for more than 8 levels,
/// or more than 4096 candidates of a level.
template <class T, gpu D>
void propose(D, const rpn_options& o, bool training, std::int64_t images, std::int64_t height, std::int64_t width,
             const std::vector<proposal_level<T>>& levels, arithmetic_t<T>* boxes, std::int32_t* counts) {
  using A = arithmetic_t<T>;
  const std::int64_t before = training ? o.before_nms_training : o.before_nms, most = training ? o.after_nms_training : o.after_nms;
  expect(!levels.empty() && levels.size() <= nms_most_levels, "dcs::propose: ", levels.size(), " levels; expected 1 to ", nms_most_levels);
  expect(before >= 1 && before <= most_candidates && most >= 0, "dcs::propose: ", before, " candidates of a level; expected 1 to ", most_candidates);
  proposal_candidates_kernel<T> candidates{};
  nms_problems& all = candidates.all;
  all.levels = static_cast<int>(levels.size()), all.problems = images * all.levels;
  std::int64_t largest = 0;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const auto& input = levels[l];
    const std::int64_t anchors = input.height * input.width * anchor_shapes;
    expect(input.height > 0 && input.width > 0 && anchors < std::int64_t{1} << 31, "dcs::propose: level ", l, " has ", input.height, " × ",
           input.width, " places");
    auto& level = candidates.levels[l];
    level.objectness = {input.objectness, images * anchors}, level.deltas = {input.deltas, images * anchors * 4};
    level.anchors = anchors, level.width = input.width, level.stride_y = height / input.height, level.stride_x = width / input.width;
    write_anchor_cell(o.anchors, l, level.cell);
    all.count[l] = static_cast<std::int32_t>(std::min(before, anchors));
    largest = std::max<std::int64_t>(largest, all.count[l]);
  }
  all.stride = ceil_div(largest, std::int64_t{nms_tile}) * nms_tile;
  candidates.sorted = nms_tile;
  while (candidates.sorted < largest) candidates.sorted *= 2;
  const device_scratch<A, D> chosen(all.problems * all.stride * 4), scores(all.problems * all.stride);
  const device_scratch<std::int32_t, D> kept(all.problems * all.stride), kept_count(all.problems);
  candidates.boxes = chosen.span(), candidates.scores = scores.span();
  candidates.height = height, candidates.width = width;
  candidates.smallest = o.smallest_side, candidates.coder = rpn_coder;
  candidates.nan = std::numeric_limits<A>::quiet_NaN(), candidates.infinity = std::numeric_limits<A>::infinity();
  launch(D{}, candidates);
  suppress<A, std::int32_t>(D{}, all, chosen.data(), nullptr, nullptr, o.nms_threshold, kept.data(), all.stride, kept_count.data());
  launch(D{}, proposal_merge_kernel<A>{
                  all, chosen.span(), scores.span(), kept.span(), kept_count.span(), {boxes, images * most * 4}, {counts, images}, most});
}

/// Proposals of every image on the host, as dcs::propose chooses them.
template <class T, gpu D, class... Level>
std::vector<std::vector<box<T>>> propose_all(D, const rpn_options& o, bool training, std::int64_t height, std::int64_t width, const Level&... level) {
  using V = value_t<std::remove_cvref_t<decltype(std::get<0>(std::tie(level...)).objectness)>>;
  using A = arithmetic_t<V>;
  const std::int64_t images = std::get<0>(std::tie(level...)).objectness.sizes()[0], most = training ? o.after_nms_training : o.after_nms;
  const std::vector<proposal_level<V>> levels{
      {value(level.objectness).data(), value(level.deltas).data(), level.objectness.sizes()[1], level.objectness.sizes()[2]}...};
  const device_scratch<A, D> chosen(images * most * 4);
  const device_scratch<std::int32_t, D> counts(images);
  propose(D{}, o, training, images, height, width, levels, chosen.data(), counts.data());
  std::vector<A> corners(static_cast<std::size_t>(images * most * 4));
  std::vector<std::int32_t> found(static_cast<std::size_t>(images));
  D::copy_to_host(corners.data(), chosen.data(), chosen.span().size * static_cast<std::int64_t>(sizeof(A)));
  D::copy_to_host(found.data(), counts.data(), images * static_cast<std::int64_t>(sizeof(std::int32_t)));
  std::vector<std::vector<box<T>>> all(found.size());
  for (std::size_t n = 0; n < found.size(); ++n)
    for (std::int32_t i = 0; i < found[n]; ++i) {
      const A* c = corners.data() + (static_cast<std::int64_t>(n) * most + i) * 4;
      all[n].push_back({static_cast<T>(c[0]), static_cast<T>(c[1]), static_cast<T>(c[2]), static_cast<T>(c[3])});
    }
  return all;
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
