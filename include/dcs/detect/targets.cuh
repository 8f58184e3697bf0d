// The targets of sampled boxes, computed on the device in arrays of fixed sizes: for each anchor sampled for the RPN and each box sampled for the box
// head, its label, its weight in the loss, its regression targets, and for anchors the row of the maps that holds their prediction. A thread has one
// entry of a sample. Entries beyond the number of sampled boxes are padding: they have weight 0, row level -1, and the box (0, 0, 1, 1).
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/detect/box_head.hpp>
#include <dcs/detect/matcher.cuh>
#include <dcs/detect/rpn.hpp>
#include <dcs/ops/gather/cuda.cuh>
#include <dcs/ops/nms/cuda.cuh>

DCS_EXACT_MATH
namespace dcs::cuda {

/// The anchors of every image, each computed when it is read: those of make_anchors, in its order.
template <class A>
struct anchor_grid {
  struct level {
    std::int64_t begin, width, stride_y, stride_x;
    A cell[anchor_shapes][4];
  };
  level levels[nms_most_levels];
  int level_count = 0;
  std::int64_t total = 0;

  void add(const anchor_options& o, std::int64_t height, std::int64_t width, std::int64_t image_height, std::int64_t image_width) {
    expect(level_count < nms_most_levels, "dcs::anchor_grid: more than ", nms_most_levels, " levels");
    level& l = levels[level_count];
    l.begin = total, l.width = width, l.stride_y = image_height / height, l.stride_x = image_width / width;
    write_anchor_cell(o, static_cast<std::size_t>(level_count), l.cell);
    total += height * width * anchor_shapes;
    ++level_count;
  }
  DCS_DEVICE int level_of(std::int64_t i) const {
    int l = 0;
    while (l + 1 < level_count && i >= levels[l + 1].begin) ++l;
    return l;
  }
  DCS_DEVICE level_row row_of(std::int64_t image, std::int64_t i) const {
    const int l = level_of(i);
    const std::int64_t end = l + 1 < level_count ? levels[l + 1].begin : total;
    return {l, image * (end - levels[l].begin) + i - levels[l].begin};
  }
  DCS_DEVICE box<A> at(std::int64_t i) const {
    const level& l = levels[level_of(i)];
    const std::int64_t place = (i - l.begin) / anchor_shapes, shape = (i - l.begin) % anchor_shapes;
    const A x = static_cast<A>(place % l.width * l.stride_x), y = static_cast<A>(place / l.width * l.stride_y);
    const A* c = l.cell[shape];
    return {c[0] + x, c[1] + y, c[2] + x, c[3] + y};
  }
  template <class Block>
  DCS_DEVICE std::int64_t count(Block&, std::int64_t) const {
    return total;
  }
  template <class Block>
  DCS_DEVICE box<A> read(Block&, std::int64_t, std::int64_t i) const {
    return at(i);
  }
};

namespace detail {
template <class T, class S, class D>
device_span<T> span_of(const tensor<T, S, D>& x) {
  return {x.data(), x.size()};
}

/// The targets of an entry that both samples have: label, weight, and regression targets of a positive one.
template <class A>
struct target_spans {
  device_span<A> label, weight, target;

  template <class Block>
  DCS_DEVICE void write(Block& b, std::int64_t slot, bool sampled, bool positive, const A* d) const {
    b.global(label, "labels").write(slot, positive ? A(1) : A(0));
    b.global(weight, "weights").write(slot, sampled ? A(1) : A(0));
    const auto out = b.global(target, "targets");
    for (int k = 0; k < 4; ++k) out.write(4 * slot + k, d[k]);
  }
};
}  // namespace detail

/// The targets of each sampled anchor: its row of the maps (level -1: padding), label, weight, and regression targets of a positive one.
template <class A>
struct rpn_targets_kernel {
  static constexpr const char* name = "rpn_targets";
  static constexpr int threads = 128;
  anchor_grid<A> anchors;
  padded_boxes<A> truth;
  device_span<const std::int32_t> matched;  // [images][anchors.total]
  device_span<const std::int64_t> sample;   // [images][size]
  device_span<level_row> where;
  detail::target_spans<A> targets;
  std::int64_t size;

  std::int64_t blocks() const { return ceil_div(sample.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t slot = b.index();
    if (slot >= sample.size) return;
    const std::int64_t image = slot / size, i = b.global(sample, "sample").read(slot);
    const std::int32_t match = i < 0 ? background : b.global(matched, "matches").read(image * anchors.total + i);
    A d[4] = {};
    const box_coder coder = rpn_coder;  // a copy, as kernels cannot refer to the host's constants
    if (match >= 0) coder.encode(anchors.at(i), truth.read(b, image, match), d);
    b.global(where, "rows").write(slot, i < 0 ? level_row{-1, 0} : anchors.row_of(image, i));
    targets.write(b, slot, i >= 0, match >= 0, d);
  }
};

/// The targets of each sampled box: RoI, the level from which it is pooled, label, weight, and regression targets of a positive one.
template <class A>
struct box_targets_kernel {
  static constexpr const char* name = "box_targets";
  static constexpr int threads = 128;
  proposals_and_truth<A> boxes;
  device_span<const std::int32_t> matched;  // [images][boxes.most()]
  device_span<const std::int64_t> sample;   // [images][size]
  device_span<A> rois;                      // [images][size][5]
  device_span<std::int64_t> level;
  detail::target_spans<A> targets;
  std::int64_t size;

  std::int64_t blocks() const { return ceil_div(sample.size, std::int64_t{threads}); }
  static constexpr std::int64_t shared_bytes() { return 0; }

  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    const std::int64_t slot = b.index();
    if (slot >= sample.size) return;
    const std::int64_t image = slot / size, i = b.global(sample, "sample").read(slot);
    const std::int32_t match = i < 0 ? background : b.global(matched, "matches").read(image * boxes.most() + i);
    const box<A> own = i < 0 ? box<A>{0, 0, 1, 1} : boxes.read(b, image, i);
    A d[4] = {};
    const box_coder coder = box_head_coder;
    if (match >= 0) coder.encode(own, boxes.truth.read(b, image, match), d);
    const A roi[5] = {static_cast<A>(image), own.x1, own.y1, own.x2, own.y2};
    const auto to = b.global(rois, "RoIs");
    for (int k = 0; k < 5; ++k) to.write(5 * slot + k, roi[k]);
    b.global(level, "levels").write(slot, pooling_level(own));
    targets.write(b, slot, i >= 0, match >= 0, d);
  }
};

/// A sample for a loss, whose axis is named Name: labels and weights of 0 or 1 (the label is the weight of the regression), and targets of the
/// positive ones.
template <class A, class D, extent Name>
struct sample_targets {
  tensor<A, shape<Name, 1>, D> label, weight;
  tensor<A, shape<Name, 4>, D> target;

  static sample_targets empty(extent_t n) {
    using one = tensor<A, shape<Name, 1>, D>;
    return {one::empty({n, 1}), one::empty({n, 1}), tensor<A, shape<Name, 4>, D>::empty({n, 4})};
  }
  detail::target_spans<A> spans() const { return {detail::span_of(label), detail::span_of(weight), detail::span_of(target)}; }
};
template <class A, class D>
struct rpn_sample : sample_targets<A, D, dyn<"sample">> {
  device_rows where;
};
template <class A, class D>
struct box_sample : sample_targets<A, D, dyn<"proposal">> {
  tensor<A, shape<dyn<"proposal">, 5>, D> rois;
  tensor<std::int64_t, shape<dyn<"proposal">>, D> level;
};

/// The anchors for the RPN's losses, sampled as dcs::rpn_loss does.
template <class A, gpu D>
rpn_sample<A, D> sample_anchors(D, const rpn_options& o, std::int64_t images, const anchor_grid<A>& anchors, const padded_boxes<A>& truth,
                                random_stream random) {
  const std::int64_t n = images * o.sampler.size;
  const device_scratch<std::int32_t, D> matched(images * anchors.total);
  const device_scratch<std::int64_t, D> sample(n);
  match_boxes(D{}, images, anchors, anchors.total, truth, o.positive_iou, o.negative_iou, true, matched.data());
  sample_boxes(D{}, o.sampler, images, anchors.total, matched.data(), random, sample.data());
  rpn_sample<A, D> s{sample_targets<A, D, dyn<"sample">>::empty(n), {dcs::detail::allocate_elements<level_row, D>("dcs::rpn_loss", {n}), n}};
  launch(D{}, rpn_targets_kernel<A>{
                  anchors, truth, matched.span(), sample.span(), {static_cast<level_row*>(s.where.memory.data()), n}, s.spans(), o.sampler.size});
  return s;
}

/// The boxes for the box head's losses, sampled as dcs::sample_boxes does.
template <class A, gpu D>
box_sample<A, D> sample_proposals(D, const box_head_options& o, std::int64_t images, const proposals_and_truth<A>& boxes, random_stream random) {
  const std::int64_t n = images * o.sampler.size;
  const device_scratch<std::int32_t, D> matched(images * boxes.most());
  const device_scratch<std::int64_t, D> sample(n);
  match_boxes(D{}, images, boxes, boxes.most(), boxes.truth, o.positive_iou, o.positive_iou, false, matched.data());
  sample_boxes(D{}, o.sampler, images, boxes.most(), matched.data(), random, sample.data());
  box_sample<A, D> s{sample_targets<A, D, dyn<"proposal">>::empty(n), tensor<A, shape<dyn<"proposal">, 5>, D>::empty({n, 5}),
                     tensor<std::int64_t, shape<dyn<"proposal">>, D>::empty({n})};
  launch(D{},
         box_targets_kernel<A>{boxes, matched.span(), sample.span(), detail::span_of(s.rois), detail::span_of(s.level), s.spans(), o.sampler.size});
  return s;
}

}  // namespace dcs::cuda

#include <dcs/core/header_end.inl>
