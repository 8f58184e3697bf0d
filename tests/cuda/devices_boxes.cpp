// The second table of docs/devices.md: the network's decisions about boxes and regions, and the rows of maps that it gathers for them.
#include "devices.hpp"

#include "../detect/padded.hpp"

#include <dcs/detect/fixed_losses.cuh>
#include <dcs/detect/region_masks.hpp>
#include <dcs/models/dcsnet/regions.cuh>

using namespace dcs;
using namespace dcs::models::dcsnet;
using namespace device_table;
using kernel_test::padded;
using kernel_test::proposals_near;
using kernel_test::random_boxes;

namespace {

template <class A>
void append(std::vector<double>& to, const box<A>& b) {
  for (A v : {b.x1, b.y1, b.x2, b.y2}) to.push_back(static_cast<double>(v));
}
template <class T>
void append(std::vector<double>& to, const T* from, std::int64_t n) {
  for (const T& v : kernel_test::on_host(from, n)) to.push_back(static_cast<double>(v));
}
using device_table::append;

// True boxes of four images, one without any, and proposals, one image without.
const std::vector<int> truths{3, 0, 1, 5}, founds{60, 20, 0, 90};
inline constexpr std::int64_t images = 4, most_truth = 5, most_found = 90;
template <class A>
struct scene {
  kernel_test::boxes_of_images<A> truth = random_boxes<A>(truths, {1, 1}), found = proposals_near(truth, founds, {1, 2});
  padded<A> padded_truth{truth, most_truth}, padded_found{found, most_found};
  cuda::proposals_and_truth<A> both() const { return {padded_found.seen(), padded_truth.seen()}; }
};
std::vector<int> labels_of(const std::vector<int>& matches) {
  std::vector<int> label;
  for (int m : matches) label.push_back(m >= 0 ? 1 : m == background ? 0 : -1);
  return label;
}

void box_rows(table& t) {
  t.numbers("nms",
            {"forward; no gradient", "forward in f32; no gradient", "forward; no gradient", "forward; no gradient", "forward; no gradient",
             "forward; no gradient"},
            []<class T, class D>(T, D) {
              const double threshold = std::sqrt(2.0) - 1;  // no ratio of areas below 3000 is so near that f32 and f64 could differ
              const auto kept_of = [&](const auto& boxes, const auto& scores) {
                const auto n = static_cast<std::int64_t>(scores.size());
                if constexpr (is_host<D>) {
                  using A = compute_type<T>;
                  const std::vector<A> wide_boxes(boxes.begin(), boxes.end()), wide_scores(scores.begin(), scores.end());
                  auto kept = nms(wide_boxes.data(), wide_scores.data(), n, threshold);
                  kept.resize(scores.size(), -1);
                  return std::vector<double>(kept.begin(), kept.end());
                } else {
                  const auto b = cuda::uploaded<D>(boxes);
                  const auto s = cuda::uploaded<D>(scores);
                  const cuda::device_scratch<std::int64_t, D> kept(n), count(1);
                  cuda::nms<T>(D{}, b.data(), s.data(), n, threshold, nullptr, kept.data(), count.data());
                  std::vector<double> out;
                  append(out, kept.data(), n);
                  return out;
                }
              };
              std::vector<T> boxes, scores;
              for (int i = 0; i < 150; ++i) {  // whole numbers below 128: exact in every type
                const random_stream r{7, static_cast<std::uint64_t>(i)};
                const auto x = static_cast<float>(r.below(0, 60)), y = static_cast<float>(r.below(1, 60)), w = static_cast<float>(8 + r.below(2, 30)),
                           h = static_cast<float>(8 + r.below(3, 30));
                for (float v : {x, y, x + w, y + h}) boxes.push_back(static_cast<T>(v));
                scores.push_back(static_cast<T>(static_cast<float>(r.below(4, 100))));
              }
              return kept_of(boxes, scores);
            });
  t.numbers("proposals", no_gradient, []<class T, class D>(T, D) {
    const auto s = to<D>(held<T>(normal<shape<dyn<"n">, 8, 8, 3>>(1, {2, 8, 8, 3})));
    const auto d = to<D>(held<T>(normal<shape<dyn<"n">, 8, 8, 12>>(2, {2, 8, 8, 12})));
    const rpn_level<std::remove_const_t<decltype(s)>, std::remove_const_t<decltype(d)>> level{s, d};
    std::vector<double> out;
    for (const auto& image : propose_all<cuda::arithmetic_t<T>>(D{}, rpn_options{}, false, 64, 64, level)) {
      out.push_back(static_cast<double>(image.size()));
      for (const auto& b : image) append(out, b);
    }
    return out;
  });
  t.numbers("match, box_sampler", of_boxes, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const scene<A> s;
    const box_sampler sampler{16, 0.25};
    std::vector<double> out;
    if constexpr (is_host<D>) {
      for (std::size_t n = 0; n < truths.size(); ++n) {
        auto matches = match(s.truth[n], s.found[n], 0.6, 0.3, true);
        auto sample = sampler.draw(labels_of(matches), random_stream{2, 2}.child(n));
        matches.resize(most_found, undecided), sample.resize(16, -1);
        out.insert(out.end(), matches.begin(), matches.end()), out.insert(out.end(), sample.begin(), sample.end());
      }
    } else {
      const cuda::device_scratch<std::int32_t, D> matched(images * most_found);
      const cuda::device_scratch<std::int64_t, D> sample(images * 16);
      cuda::match_boxes(D{}, images, s.padded_found.seen(), most_found, s.padded_truth.seen(), 0.6, 0.3, true, matched.data());
      cuda::sample_boxes(D{}, sampler, images, most_found, matched.data(), {2, 2}, sample.data());
      for (std::int64_t n = 0; n < images; ++n) append(out, matched.data() + n * most_found, most_found), append(out, sample.data() + n * 16, 16);
    }
    return out;
  });
}

// The end of a prediction, after the maps have been copied to the host.
void last_rows(table& t) {
  constexpr words on_host{"forward; no gradient", "forward in f32; no gradient", "forward; no gradient",
                          "on the host",          "on the host, in f32",         "on the host"};
  t.numbers("detections_of", on_host, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const scene<A> s;
    const auto n = static_cast<extent_t>(s.found[0].size());
    const auto scores = to<cpu_device>(to<D>(held<T>(normal<shape<dyn<"roi">, 2>>(1, {n, 2}))));
    const auto deltas = to<cpu_device>(to<D>(held<T>(normal<shape<dyn<"roi">, 8>>(2, {n, 8}))));
    std::vector<double> out;
    for (const auto& d : detections_of(box_head_options{}, s.found[0], 0, box_predictions{scores, deltas}, 64, 64))
      append(out, d.box), out.push_back(static_cast<double>(d.score));
    return out;
  });
  t.numbers("paste", on_host, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const auto p = cast<A>(to<cpu_device>(to<D>(held<T>(normal<shape<8, 8>>(3, {8, 8})))));
    std::vector<A> image(32 * 32);
    paste(p.data(), 8, box<A>{3, 5, 20, 31}, image.data(), 32, 32);
    return std::vector<double>(image.begin(), image.end());
  });
}

// A sample's entries in order: the values for each sampled box, and zeros after the last.
void target_rows(table& t) {
  t.numbers("anchors: sample, rows, targets", of_boxes, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const scene<A> s;
    rpn_options o;
    o.positive_iou = 0.4, o.negative_iou = 0.2, o.sampler = {64, 0.25};
    std::vector<double> out;
    if constexpr (is_host<D>) {
      anchor_set<A> all;
      for (extent_t side : {8, 4}) {
        all.begin.push_back(static_cast<extent_t>(all.boxes.size()));
        append_anchors(all.boxes, {}, all.begin.size() - 1, side, side, 64 / side, 64 / side);
      }
      all.begin.push_back(static_cast<extent_t>(all.boxes.size()));
      for (std::size_t n = 0; n < truths.size(); ++n) {
        const auto matches = match(s.truth[n], all.boxes, o.positive_iou, o.negative_iou, true);
        const auto sample = o.sampler.draw(labels_of(matches), random_stream{3, 3}.child(n));
        for (std::size_t k = 0; k < 64; ++k) {
          const bool live = k < sample.size();
          const int m = live ? matches[static_cast<std::size_t>(sample[k])] : background;
          const level_row row = live ? all.row_of(static_cast<extent_t>(n), sample[k]) : level_row{-1, 0};
          A d[4] = {};
          if (m >= 0) rpn_coder.encode(all.boxes[static_cast<std::size_t>(sample[k])], s.truth[n][static_cast<std::size_t>(m)], d);
          for (double v : {double(row.level), double(row.row), double(m >= 0), double(live), double(d[0]), double(d[1]), double(d[2]), double(d[3])})
            out.push_back(v);
        }
      }
    } else {
      cuda::anchor_grid<A> all;
      all.add({}, 8, 8, 64, 64), all.add({}, 4, 4, 64, 64);
      const auto sampled = cuda::sample_anchors(D{}, o, images, all, s.padded_truth.seen(), {3, 3});
      const auto where = kernel_test::on_host(sampled.where.span().data, images * 64);
      std::vector<double> label, weight, target;
      append(label, sampled.label), append(weight, sampled.weight), append(target, sampled.target);
      for (std::size_t k = 0; k < where.size(); ++k) {
        for (double v : {double(where[k].level), double(where[k].row), label[k], weight[k]}) out.push_back(v);
        out.insert(out.end(), target.begin() + static_cast<std::ptrdiff_t>(4 * k), target.begin() + static_cast<std::ptrdiff_t>(4 * k + 4));
      }
    }
    return out;
  });
  t.numbers("boxes: sample, RoIs, levels, targets", of_boxes, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const scene<A> s;
    box_head_options o;
    o.sampler = {32, 0.25};
    std::vector<double> roi, level, label, weight, target;
    if constexpr (is_host<D>) {
      const auto sampled = sample_boxes(o, s.found, s.truth, {4, 4});
      std::size_t at = 0, positive = 0;
      for (std::size_t n = 0; n < truths.size(); ++n)
        for (std::size_t k = 0; k < 32; ++k) {
          const bool live = k < sampled.boxes[n].size();
          const auto b = live ? sampled.boxes[n][k] : box<A>{0, 0, 1, 1};
          const int is = live ? sampled.labels[at] : 0;
          roi.push_back(static_cast<double>(n)), append(roi, b);
          level.push_back(pooling_level(b)), label.push_back(is), weight.push_back(live);
          for (std::size_t c = 0; c < 4; ++c) target.push_back(is ? static_cast<double>(sampled.deltas[4 * positive + c]) : 0);
          at += live, positive += is == 1;
        }
    } else {
      const auto sampled = cuda::sample_proposals(D{}, o, images, s.both(), {4, 4});
      append(roi, sampled.rois), append(level, sampled.level);
      append(label, sampled.label), append(weight, sampled.weight), append(target, sampled.target);
    }
    for (const auto* more : {&level, &label, &weight, &target}) roi.insert(roi.end(), more->begin(), more->end());
    return roi;
  });
}

void region_rows(table& t) {
  t.numbers("choose_regions, jitter", of_boxes, []<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const scene<A> s;
    const region_options o;
    std::vector<double> roi, mask;
    if constexpr (is_host<D>) {
      for (std::size_t n = 0; n < truths.size(); ++n) {
        const auto chosen = choose_regions(o, s.found[n], s.truth[n], random_stream{5, 5}.child(n));
        for (std::size_t k = 0; k < static_cast<std::size_t>(o.most); ++k) {
          const bool live = k < chosen.size();
          roi.push_back(static_cast<double>(n));
          append(roi, live ? jitter(o, chosen[k], 64, 64, random_stream{6, 6}.child(n).child(k)) : box<A>{0, 0, 1, 1});
          mask.push_back(live);
        }
      }
    } else {
      const auto r = models::dcsnet::regions(D{}, o, images, 64, 64, s.both(), {5, 5}, {6, 6});
      append(roi, r.rois), append(mask, r.mask);
    }
    roi.insert(roi.end(), mask.begin(), mask.end());
    return roi;
  });
  const auto rois = tensor<double, shape<dyn<"roi">, 5>>::from(std::vector<double>{0, 2, 1, 20, 17, 1, 0, 4, 27, 22, 1, 3, 3, 9, 30}, {3, 5});
  t.numbers("region_targets", of_boxes, [&]<class T, class D>(T, D) {
    using A = cuda::arithmetic_t<T>;
    const auto masks = to<D>(held<A>(binary<shape<dyn<"n">, 32, 32, 1>>(1, {2, 32, 32, 1})));
    std::vector<double> out;
    append(out, region_targets<8>(masks, to<D>(held<A>(rois))));
    return out;
  });
  t.row(
      "pool_rois",
      [&](const auto& a, const auto& b, const auto& c, const auto& d) {
        using D = device_t<std::remove_cvref_t<decltype(a)>>;
        const auto level = to<D>(tensor<std::int64_t, shape<dyn<"roi">>>::from(std::vector<std::int64_t>{0, 2, 1}, {3}));
        return pool_rois<2>(wide_beside(a, rois), level, std::tuple(a, b, c, d), 32);
      },
      normal<shape<dyn<"n">, 8, 8, 8>>(2, {2, 8, 8, 8}), normal<shape<dyn<"n">, 4, 4, 8>>(3, {2, 4, 4, 8}),
      normal<shape<dyn<"n">, 2, 2, 8>>(4, {2, 2, 2, 8}), normal<shape<dyn<"n">, 1, 1, 8>>(5, {2, 1, 1, 8}));
  t.row(
      "gather_rows of rows chosen on the device",
      [](const auto& a, const auto& b) {
        using D = device_t<std::remove_cvref_t<decltype(a)>>;
        const std::vector<level_row> where{{0, 3}, {1, 0}, {0, 80}, {1, 2}};
        if constexpr (is_host<D>) {
          return gather_rows<4>(where, a, b);
        } else {
          const auto bytes = static_cast<std::int64_t>(where.size() * sizeof(level_row));
          const cuda::device_rows rows{storage::allocate<D>(bytes), static_cast<std::int64_t>(where.size())};
          D::copy_from_host(rows.memory.data(), where.data(), bytes);
          return cuda::gather_rows<4>(rows, a, b);
        }
      },
      normal<map>(6, {2, 6, 7, 8}), normal<map>(7, {2, 6, 7, 8}));
}

}  // namespace

TEST_CASE("docs/devices.md says which decisions about boxes and regions run where") {
  table t;
  box_rows(t);
  target_rows(t);
  region_rows(t);
  last_rows(t);
  t.compare_section("Boxes and regions", "Made by `test_cuda_devices_boxes`.");
}
