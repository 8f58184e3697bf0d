// Eq. 11: L_seg of the main output, of every level with its weight, the edge loss and the consistency of the levels.
#pragma once

#include <dcs/loss/segmentation.hpp>
#include <dcs/models/segmentation_head.hpp>

namespace dcs::loss {

/// Weights w_2..w_5 of the levels P2 to P5, and of edge and consistency.
struct total_options {
  std::array<double, 4> levels{0.7, 0.8, 0.9, 1.0};
  double edge = 0.2, consistency = 0.05;
  segmentation_options segmentation{};
};

/// Level weights at a point of the training: constant, or the schedule that the paper hints at, by the fraction of the epochs that is done.
inline std::array<double, 4> level_weights(bool scheduled, double done) {
  if (!scheduled || done >= 0.6) return {0.7, 0.8, 0.9, 1.0};
  return done < 0.3 ? std::array{0.4, 0.6, 0.8, 1.0} : std::array{1.1, 1.0, 0.9, 0.8};
}

/// The terms of eq. 11, each shape<>.
template <class X>
struct total_terms {
  X total, main, levels, edge, consistency;
};

/// Eq. 11 for a head's logits and a target of shape<roi, Base, Base, 1>. At least one RoI.
template <class X, class T, class S, class D>
auto total(const dcs::segmentation<X>& out, const tensor<T, S, D>& target, const total_options& o = {}) {
  const auto main = segmentation(out.main, target, o.segmentation);
  const auto levels =
      eval(segmentation(out.levels[0], target, o.segmentation) * o.levels[0] + segmentation(out.levels[1], target, o.segmentation) * o.levels[1] +
           (segmentation(out.levels[2], target, o.segmentation) * o.levels[2] + segmentation(out.levels[3], target, o.segmentation) * o.levels[3]));
  const auto edges = edge(out.edge, target, o.segmentation.edge_positive_weight);
  const auto agreement = consistency(out.levels);
  return total_terms<std::remove_cvref_t<decltype(main)>>{eval(main + levels + edges * o.edge + agreement * o.consistency), main, levels, edges,
                                                          agreement};
}

}  // namespace dcs::loss
