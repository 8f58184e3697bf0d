// Matching, sampling and targets on the device against the host's functions.
#include "padded.hpp"

#include <dcs/detect/targets.cuh>

using namespace dcs;
using namespace kernel_test;

namespace {

template <class Body>
void in_types(const Body& body) {
  if constexpr (!on_gpu) body(double{});
  body(float{});
}
template <class Body>
void in_orders(const Body& body) {
  for (std::uint64_t seed = 1; seed <= (on_gpu ? 1 : 2); ++seed) {
    cuda::emulated::options().seed = seed;
    body();
  }
}
const std::vector<int> truths{3, 0, 1, 5}, many{90, 40, 0, 300};
// True boxes and proposals of the images: of several, of one with both, with one of each, without either, and of no image.
using counts = std::vector<int>;
const std::vector<std::pair<counts, counts>> batches{{truths, many}, {{3}, {90}}, {{1}, {1}}, {{0}, {7}}, {{2}, {0}}, {{}, {}}};
template <class Body>
void over_batches(const Body& body) {
  in_orders([&] {
    for (const auto& batch : batches) {
      CAPTURE(batch.first);
      CAPTURE(batch.second);
      body(batch.first, batch.second);
    }
  });
}

template <class A>
cuda::anchor_grid<A> grid() {
  cuda::anchor_grid<A> g;
  g.add({}, 8, 8, 64, 64), g.add({}, 4, 4, 64, 64), g.add({}, 1, 3, 64, 64);
  return g;
}
template <class A>
anchor_set<A> anchors() {
  anchor_set<A> a;
  for (const auto& [h, w] : {std::pair(8, 8), std::pair(4, 4), std::pair(1, 3)}) {
    a.begin.push_back(static_cast<extent_t>(a.boxes.size()));
    append_anchors(a.boxes, {}, a.begin.size() - 1, h, w, 64 / h, 64 / w);
  }
  a.begin.push_back(static_cast<extent_t>(a.boxes.size()));
  return a;
}

template <class A>
std::vector<int> labels_of(const std::vector<int>& matches) {
  std::vector<int> label;
  for (int m : matches) label.push_back(m >= 0 ? 1 : m == background ? 0 : -1);
  return label;
}
std::vector<double> close(const auto& v) { return {v.begin(), v.end()}; }
void check_close(const std::vector<double>& measured, const std::vector<double>& wanted) {
  REQUIRE(measured.size() == wanted.size());
  double worst = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) worst = std::max(worst, std::abs(measured[i] - wanted[i]) / (1 + std::abs(wanted[i])));
  CHECK(worst < (on_gpu ? 1e-5 : 1e-15));
}

}  // namespace

TEST_CASE("kernel truth_overlaps: the highest overlap of each true box; 0 without boxes") {
  in_types([](auto t) {
    using A = decltype(t);
    over_batches([](const counts& in_truth, const counts& in_boxes) {
      const auto truth = random_boxes<A>(in_truth, {1, 1}), boxes = proposals_near(truth, in_boxes, {1, 2});
      const padded<A> there(truth, 6), found(boxes, 300);
      const auto images = truth.size();
      const cuda::device_scratch<A, target> top(static_cast<std::int64_t>(images) * 6);
      target::zero(top.data(), static_cast<std::int64_t>(images * 6 * sizeof(A)));
      cuda::launch(target{}, cuda::truth_overlaps_kernel<A, cuda::padded_boxes<A>>{found.seen(), there.seen(), top.span()});
      std::vector<double> wanted(images * 6, 0.0);
      for (std::size_t n = 0; n < images; ++n)
        for (std::size_t g = 0; g < truth[n].size(); ++g)
          for (const auto& b : boxes[n]) wanted[n * 6 + g] = std::max(wanted[n * 6 + g], static_cast<double>(iou(truth[n][g], b)));
      check_close(close(on_host(top.data(), top.span().size)), wanted);
    });
  });
}

TEST_CASE("kernel match_boxes: the host's matches, with and without low-quality ones, also for images without truth and without boxes") {
  in_types([](auto t) {
    using A = decltype(t);
    over_batches([](const counts& in_truth, const counts& in_boxes) {
      const auto truth = random_boxes<A>(in_truth, {2, 1});
      auto boxes = proposals_near(truth, in_boxes, {2, 2});
      const bool several = in_boxes == many;
      if (several) boxes[0][5] = truth[0][1], boxes[0][6] = truth[0][1];  // equal overlaps: both are the best of it
      const padded<A> there(truth, 5), found(boxes, 301);
      const auto images = static_cast<std::int64_t>(truth.size());
      for (bool low_quality : {false, true}) {
        const cuda::device_scratch<std::int32_t, target> matched(images * 301);
        cuda::match_boxes(target{}, images, found.seen(), 301, there.seen(), 0.7, 0.3, low_quality, matched.data());
        const auto measured = on_host(matched.data(), images * 301);
        int best = 0;
        for (std::size_t n = 0; n < truth.size(); ++n) {
          auto wanted = match(truth[n], boxes[n], 0.7, 0.3, low_quality);
          for (int m : wanted) best += m >= 0;
          wanted.resize(301, undecided);
          CHECK(std::equal(wanted.begin(), wanted.end(), measured.begin() + static_cast<std::ptrdiff_t>(n * 301)));
        }
        if (several) CHECK(best > 10);
      }
      // Anchors are not stored, and are those of the host.
      const auto all = anchors<A>();
      const auto n = static_cast<std::int64_t>(all.boxes.size());
      REQUIRE(grid<A>().total == n);
      const cuda::device_scratch<std::int32_t, target> matched(images * n);
      cuda::match_boxes(target{}, images, grid<A>(), n, there.seen(), 0.4, 0.2, true, matched.data());
      const auto measured = on_host(matched.data(), images * n);
      for (std::size_t image = 0; image < truth.size(); ++image) {
        const auto wanted = match(truth[image], all.boxes, 0.4, 0.2, true);
        CHECK(std::equal(wanted.begin(), wanted.end(), measured.begin() + static_cast<std::ptrdiff_t>(image) * n));
      }
    });
  });
}

TEST_CASE("kernel sample_boxes: the same boxes as on the host: too many of each kind, too few, none; a shift that is read from memory") {
  in_orders([] {
    for (const auto& [size, fraction, most, images] :
         {std::tuple(32, 0.5, 700, 5), std::tuple(512, 0.25, 3000, 5), std::tuple(1, 0.5, 40, 5), std::tuple(64, 1.0, 64, 5),
          std::tuple(8, 0.5, 30, 1), std::tuple(8, 0.5, 1, 1), std::tuple(8, 0.5, 30, 0)}) {
      std::vector<std::int32_t> matched;
      for (int n = 0; n < images; ++n)
        for (int i = 0; i < most; ++i) {
          const auto draw = random_stream{3, static_cast<std::uint64_t>(n)}.below(static_cast<std::uint64_t>(i), 10);
          // Images: mixed, all positive, all background, nothing to take, and few of each.
          matched.push_back(n == 0   ? (draw < 3   ? static_cast<int>(draw)
                                        : draw < 9 ? background
                                                   : undecided)
                            : n == 1 ? 0
                            : n == 2 ? background
                            : n == 3 ? undecided
                                     : (i == most - 1 ? 4
                                        : i < 3       ? background
                                                      : undecided));
        }
      const auto there = uploaded(matched);
      const box_sampler sampler{size, fraction};
      const auto shift = uploaded(std::vector<std::uint64_t>{17});
      random_stream random{4, 4}, shifted = random;
      shifted.shift_at = shift.data();
      std::vector<std::int64_t> first;
      for (const auto& stream : {random, shifted}) {
        const cuda::device_scratch<std::int64_t, target> sample(images * size);
        cuda::sample_boxes(target{}, sampler, images, most, there.data(), stream, sample.data());
        const auto measured = on_host(sample.data(), images * size);
        random_stream on_the_host = random;
        on_the_host.shift = stream.shift_at ? 17 : 0;
        for (std::size_t n = 0; n < static_cast<std::size_t>(images); ++n) {
          const std::vector<int> matches(matched.begin() + static_cast<std::ptrdiff_t>(n) * most,
                                         matched.begin() + static_cast<std::ptrdiff_t>(n + 1) * most);
          auto wanted = sampler.draw(labels_of<float>(matches), on_the_host.child(n));
          wanted.resize(static_cast<std::size_t>(size), -1);
          CHECK(std::equal(wanted.begin(), wanted.end(), measured.begin() + static_cast<std::ptrdiff_t>(n) * size));
        }
        if (stream.shift_at && size == 32) CHECK(first != measured);
        first = measured;
      }
    }
  });
}

TEST_CASE("kernel rpn_targets: rows, labels, weights and deltas of dcs::rpn_loss") {
  in_types([](auto t) {
    using A = decltype(t);
    over_batches([](const counts& in_truth, const counts& in_boxes) {
      const auto truth = random_boxes<A>(in_truth, {5, 1});
      const auto images = static_cast<std::int64_t>(truth.size());
      const padded<A> there(truth, 5);
      const auto all = anchors<A>();
      rpn_options o;
      o.positive_iou = 0.4, o.negative_iou = 0.2, o.sampler = {300, 0.1};
      const auto s = cuda::sample_anchors(target{}, o, images, grid<A>(), there.seen(), {6, 6});
      const auto where = on_host(s.where.span().data, images * 300);
      const auto label = to<cpu_device>(s.label), weight = to<cpu_device>(s.weight);
      const auto deltas = to<cpu_device>(s.target);
      int positive = 0, padded = 0;
      std::vector<double> measured, wanted;
      for (std::size_t n = 0; n < truth.size(); ++n) {
        const auto matches = match(truth[n], all.boxes, o.positive_iou, o.negative_iou, true);
        const auto sample = o.sampler.draw(labels_of<A>(matches), random_stream{6, 6}.child(n));
        for (std::size_t k = 0; k < 300; ++k) {
          const auto slot = static_cast<extent_t>(n * 300 + k);
          A d[4] = {};
          const bool live = k < sample.size();
          const int m = live ? matches[static_cast<std::size_t>(sample[k])] : background;
          if (m >= 0) rpn_coder.encode(all.boxes[static_cast<std::size_t>(sample[k])], truth[n][static_cast<std::size_t>(m)], d);
          const level_row row = live ? all.row_of(static_cast<extent_t>(n), sample[k]) : level_row{-1, 0};
          CHECK((where[static_cast<std::size_t>(slot)].level == row.level && where[static_cast<std::size_t>(slot)].row == row.row));
          CHECK((label.data()[slot] == A(m >= 0) && weight.data()[slot] == A(live)));
          for (int c = 0; c < 4; ++c)
            measured.push_back(static_cast<double>(deltas.data()[4 * slot + c])), wanted.push_back(static_cast<double>(d[c]));
          positive += m >= 0, padded += !live;
        }
      }
      check_close(measured, wanted);
      if (in_boxes == many) CHECK((positive > 5 && padded > 5));
    });
  });
}

TEST_CASE("kernel box_targets: boxes, levels, labels, weights and deltas of dcs::sample_boxes") {
  in_types([](auto t) {
    using A = decltype(t);
    over_batches([](const counts& in_truth, const counts& in_boxes) {
      const auto truth = random_boxes<A>(in_truth, {7, 1});
      auto boxes = proposals_near(truth, in_boxes, {7, 2});
      const bool several = in_boxes == many;
      const auto images = static_cast<std::int64_t>(truth.size());
      if (several) boxes[0][0] = {0, 0, 230, 240}, boxes[0][1] = {0, 0, 500, 600};  // of other levels
      const padded<A> there(truth, 5), found(boxes, 310);
      box_head_options o;
      o.sampler = {96, 0.25};
      const auto s = cuda::sample_proposals(target{}, o, images, cuda::proposals_and_truth<A>{found.seen(), there.seen()}, {8, 8});
      const auto wanted = sample_boxes(o, boxes, truth, {8, 8});
      const auto rois = to<cpu_device>(s.rois);
      const auto level = to<cpu_device>(s.level);
      const auto label = to<cpu_device>(s.label), weight = to<cpu_device>(s.weight);
      const auto deltas = to<cpu_device>(s.target);
      std::vector<double> corners, wanted_corners, delta;
      std::size_t at = 0;
      for (std::size_t n = 0; n < truth.size(); ++n)
        for (std::size_t k = 0; k < 96; ++k) {
          const auto slot = static_cast<extent_t>(n * 96 + k);
          const bool live = k < wanted.boxes[n].size();
          const auto b = live ? wanted.boxes[n][k] : box<A>{0, 0, 1, 1};
          for (A v : {static_cast<A>(n), b.x1, b.y1, b.x2, b.y2}) wanted_corners.push_back(static_cast<double>(v));
          for (int c = 0; c < 5; ++c) corners.push_back(static_cast<double>(rois.data()[5 * slot + c]));
          CHECK(level.data()[slot] == (live ? pooling_level(b) : 0));
          const int is = live ? wanted.labels[at] : 0;
          CHECK((label.data()[slot] == A(is) && weight.data()[slot] == A(live)));
          for (int c = 0; c < 4; ++c)
            if (is)
              delta.push_back(static_cast<double>(deltas.data()[4 * slot + c]));
            else
              CHECK(deltas.data()[4 * slot + c] == 0);
          at += live;
        }
      CHECK(at == wanted.labels.size());
      CHECK(corners == wanted_corners);
      check_close(delta, close(wanted.deltas));
      if (several) CHECK(delta.size() > 40);
    });
  });
}
