// One prediction from several of the same image: those of its mirrored views, or of several networks.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/image/prediction.hpp>

#include <utility>

DCS_EXACT_MATH
namespace dcs {

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
    double x1 = 0, y1 = 0, x2 = 0, y2 = 0, scores = 0;
    for (const auto& m : best->members) {
      const auto& b = at(m).box;
      const auto c = static_cast<double>(at(m).score);
      x1 += c * static_cast<double>(b.x1), y1 += c * static_cast<double>(b.y1), x2 += c * static_cast<double>(b.x2),
          y2 += c * static_cast<double>(b.y2);
      scores += c;
    }
    best->found.box = {static_cast<float>(x1 / scores), static_cast<float>(y1 / scores), static_cast<float>(x2 / scores),
                       static_cast<float>(y2 / scores)};
    best->found.score = static_cast<float>(scores / static_cast<double>(best->members.size()));
  }
  const auto n = static_cast<float>(views.size());
  for (auto& f : fused) f.found.score *= std::min(static_cast<float>(f.members.size()), n) / n;
  std::stable_sort(fused.begin(), fused.end(), [](const fused_box& a, const fused_box& b) { return a.found.score > b.found.score; });
  return fused;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
