// One prediction from several of the same image: those of its mirrored views, or of several networks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/prediction.hpp>

#include <utility>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// The mean of boxes, weighted by scores; both are what box_of and score_of give of a member.
template <class Members, class BoxOf, class ScoreOf>
box<float> weighted_mean(const Members& members, const BoxOf& box_of, const ScoreOf& score_of) {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0, scores = 0;
  for (const auto& m : members) {
    const box<float>& b = box_of(m);
    const auto c = static_cast<double>(score_of(m));
    x1 += c * static_cast<double>(b.x1), y1 += c * static_cast<double>(b.y1), x2 += c * static_cast<double>(b.x2),
        y2 += c * static_cast<double>(b.y2);
    scores += c;
  }
  return {static_cast<float>(x1 / scores), static_cast<float>(y1 / scores), static_cast<float>(x2 / scores), static_cast<float>(y2 / scores)};
}

}  // namespace detail

/// A box that weighted box fusion made of others: of box `second` of view `first`, for each of its members.
struct fused_box {
  detection<float> found;
  std::vector<std::pair<std::size_t, std::size_t>> members;
};

/// Weighted box fusion (Solovyev, Wang, Gabruseva 2021, "Weighted boxes fusion: ensembling boxes from different object detection models") of the
/// detections of N views. Boxes are taken by falling score, of equals those of earlier views first; each joins the cluster whose fused box it
/// overlaps most, if that IoU is above `least_iou`, or begins one. The fused box of T boxes with corners X and scores C is their mean weighted by
/// scores, and its score the mean score, less where not every view has the box:
///
///   X = Σ C_i X_i / Σ C_i,   C = (Σ C_i / T) · min(T, N) / N
///
/// Boxes of score 0 have no weight and are left out. The result is by falling score.
inline std::vector<fused_box> weighted_box_fusion(const std::vector<std::vector<detection<float>>>& views, float least_iou = 0.55f) {
  std::vector<std::pair<std::size_t, std::size_t>> order;
  for (std::size_t v = 0; v < views.size(); ++v)
    for (std::size_t k = 0; k < views[v].size(); ++k)
      if (views[v][k].score > 0) order.emplace_back(v, k);
  const auto at = [&](const std::pair<std::size_t, std::size_t>& i) -> const detection<float>& { return views[i.first][i.second]; };
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) { return at(a).score > at(b).score; });
  std::vector<fused_box> fused;
  for (const auto& i : order) {
    fused_box* best = nullptr;
    float most = least_iou;
    for (auto& f : fused)
      if (const float overlap = iou(f.found.box, at(i).box); overlap > most) most = overlap, best = &f;
    if (!best) best = &fused.emplace_back();
    best->members.push_back(i);
    best->found.box = detail::weighted_mean(
        best->members, [&](const auto& m) -> const box<float>& { return at(m).box; }, [&](const auto& m) { return at(m).score; });
    double scores = 0;
    for (const auto& m : best->members) scores += static_cast<double>(at(m).score);
    best->found.score = static_cast<float>(scores / static_cast<double>(best->members.size()));
  }
  const auto n = static_cast<float>(views.size());
  for (auto& f : fused) f.found.score *= std::min(static_cast<float>(f.members.size()), n) / n;
  std::stable_sort(fused.begin(), fused.end(), [](const fused_box& a, const fused_box& b) { return a.found.score > b.found.score; });
  return fused;
}

/// The prediction of a mirrored image, turned back. In boxes the middle of pixel j lies at the coordinate j, as where regions are pasted.
inline prediction mirrored(const prediction& p, bool horizontal, bool vertical) {
  // A map of height × width, turned.
  const auto turned_map = [&](const std::vector<float>& map, std::int64_t height, std::int64_t width) {
    std::vector<float> turned(map.size());
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        turned[static_cast<std::size_t>(y * width + x)] =
            map[static_cast<std::size_t>((vertical ? height - 1 - y : y) * width + (horizontal ? width - 1 - x : x))];
    return turned;
  };
  const auto turned_box = [&](box<float> b) {
    const auto right = static_cast<float>(p.width - 1), bottom = static_cast<float>(p.height - 1);
    if (horizontal) b = {right - b.x2, b.y1, right - b.x1, b.y2};
    if (vertical) b = {b.x1, bottom - b.y2, b.x2, bottom - b.y1};
    return b;
  };
  prediction out{p.height, p.width, turned_map(p.probability, p.height, p.width), p.detections, p.regions, p.of_regions};
  for (auto& d : out.detections) d.box = turned_box(d.box);
  for (auto& r : out.regions) r.box = turned_box(r.box), r.probabilities = turned_map(r.probabilities, r.side, r.side);
  return out;
}

/// A box of an image of from_height × from_width at another size, areas to areas: in its pixels too the middle of pixel j lies at the coordinate j.
/// An edge at the middle of the image's outermost pixel, or beyond it, comes to lie at the border or beyond, so that the box still holds every pixel
/// that this one becomes.
inline box<float> scaled(const box<float>& b, std::int64_t from_height, std::int64_t from_width, std::int64_t height, std::int64_t width) {
  const auto at = [](float x, std::int64_t from, std::int64_t to) {
    const float moved = (x + 0.5f) * static_cast<float>(to) / static_cast<float>(from) - 0.5f;
    if (x <= 0) return std::min(moved, -0.5f);
    if (x >= static_cast<float>(from - 1)) return std::max(moved, static_cast<float>(to) - 0.5f);
    return moved;
  };
  return {at(b.x1, from_width, width), at(b.y1, from_height, height), at(b.x2, from_width, width), at(b.y2, from_height, height)};
}

/// The prediction at another size, with its detections and regions: areas to areas, as `resized` has it.
inline prediction scaled(const prediction& p, std::int64_t height, std::int64_t width) {
  if (p.height == height && p.width == width) return p;
  prediction out = p.resized(height, width);
  out.detections = p.detections, out.regions = p.regions, out.of_regions = p.of_regions;
  for (auto& d : out.detections) d.box = scaled(d.box, p.height, p.width, height, width);
  for (auto& r : out.regions) r.box = scaled(r.box, p.height, p.width, height, width);
  return out;
}

namespace detail {

// The region of a fused box: the mean of its members' maps, each 0 outside its own box, on the finest of their grids over the fused box of the
// regions.
inline segmented_region fused_region(const fused_box& f, const std::vector<const prediction*>& views) {
  const auto region_of = [&](const std::pair<std::size_t, std::size_t>& m) -> const segmented_region& { return views[m.first]->regions[m.second]; };
  segmented_region out{{}, f.found.score, 0, {}};
  out.box = weighted_mean(
      f.members, [&](const auto& m) -> const box<float>& { return region_of(m).box; },
      [&](const auto& m) { return views[m.first]->detections[m.second].score; });
  for (const auto& m : f.members) out.side = std::max(out.side, region_of(m).side);
  const auto cells = static_cast<std::size_t>(out.side * out.side);
  std::vector<double> sum(cells, 0);
  for (const auto& m : f.members) {
    const auto& r = region_of(m);
    // In coordinates in which the middle of cell k lies at k, the grid is an image that the member is pasted into.
    const auto cell = [&](float x, float low, float high) { return (x - low) * static_cast<float>(out.side) / std::max(high - low, 1e-6f) - 0.5f; };
    const box<float>&b = r.box, &all = out.box;
    std::vector<float> map(cells, 0);
    paste(r.probabilities.data(), r.side,
          box<float>{cell(b.x1, all.x1, all.x2), cell(b.y1, all.y1, all.y2), cell(b.x2, all.x1, all.x2), cell(b.y2, all.y1, all.y2)}, map.data(),
          out.side, out.side);
    for (std::size_t i = 0; i < cells; ++i) sum[i] += static_cast<double>(map[i]);
  }
  for (const double s : sum) out.probabilities.push_back(static_cast<float>(s / static_cast<double>(f.members.size())));
  return out;
}

// The prediction of views that are all of regions.
inline prediction fused_regions(const std::vector<const prediction*>& views, float least_iou) {
  const prediction& first = *views[0];
  prediction out{first.height, first.width, std::vector<float>(first.probability.size(), 0.0f), {}, {}, true};
  std::vector<std::vector<detection<float>>> boxes;
  for (const auto* v : views) boxes.push_back(v->detections);
  for (const auto& f : weighted_box_fusion(boxes, least_iou)) {
    out.detections.push_back(f.found);
    out.regions.push_back(fused_region(f, views));
    const auto& r = out.regions.back();
    paste(r.probabilities.data(), r.side, r.box, out.probability.data(), out.height, out.width);
  }
  return out;
}

}  // namespace detail

/// One prediction from the views of an image: of mirrored images turned back, or of several networks, all at one size.
///
/// Views of networks that segment regions are fused box by box: detections by weighted box fusion, and the map of a fused region is the mean of those
/// of the views that have its box, so that views that saw nothing there do not erase it (they lower its score). Views of networks that predict whole
/// images are averaged pixel by pixel. Where there are both, the map is the mean of all, in which the fused regions count as often as they have
/// views; there are detections then, but no regions. A single view stays as it is. Throws dcs::error where there is no view, or sizes differ.
inline prediction fused_prediction(const std::vector<prediction>& views, float least_iou = 0.55f) {
  expect(!views.empty(), "dcs::fused_prediction: there is no view; expected at least one");
  if (views.size() == 1) return views[0];
  std::vector<const prediction*> of_regions, of_images;
  for (const auto& v : views) {
    expect(v.height == views[0].height && v.width == views[0].width, "dcs::fused_prediction: a view of ", v.height, " × ", v.width, " beside one of ",
           views[0].height, " × ", views[0].width);
    (v.of_regions ? of_regions : of_images).push_back(&v);
  }
  prediction out{views[0].height, views[0].width, std::vector<float>(views[0].probability.size(), 0.0f), {}, {}};
  if (!of_regions.empty()) out = detail::fused_regions(of_regions, least_iou);
  if (of_images.empty()) return out;
  std::vector<std::vector<detection<float>>> boxes;
  for (const auto& v : views)
    if (v.of_regions || !v.detections.empty()) boxes.push_back(v.detections);
  out.detections.clear(), out.regions.clear(), out.of_regions = false;
  for (const auto& f : weighted_box_fusion(boxes, least_iou)) out.detections.push_back(f.found);
  const auto regions = static_cast<double>(of_regions.size()), n = static_cast<double>(views.size());
  for (std::size_t i = 0; i < out.probability.size(); ++i) {
    double sum = regions * static_cast<double>(out.probability[i]);
    for (const auto* v : of_images) sum += static_cast<double>(v->probability[i]);
    out.probability[i] = static_cast<float>(sum / n);
  }
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
