// Eq. 11: L_seg of the main output, of every level with its weight, the edge loss and the consistency of the levels.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/loss/segmentation.hpp>
#include <dcs/models/dcsnet/segmentation_head.hpp>

DCS_EXACT_MATH
namespace dcs::models::dcsnet {

/// Weights w_2..w_5 of the levels P2 to P5, and of edge and consistency.
struct loss_options {
  std::array<double, 4> levels{0.7, 0.8, 0.9, 1.0};
  double edge = 0.2, consistency = 0.05;
  loss::segmentation_options segmentation{};
  friend bool operator==(const loss_options&, const loss_options&) = default;
};

/// Level weights at a point of the training: constant, or by the schedule that the paper suggests, a function of the fraction of epochs that is done.
inline std::array<double, 4> level_weights(bool scheduled, double done) {
  if (!scheduled) return {0.7, 0.8, 0.9, 1.0};
  return done < 0.3 ? std::array{0.4, 0.6, 0.8, 1.0} : done < 0.6 ? std::array{1.1, 1.0, 0.9, 0.8} : std::array{1.0, 0.9, 0.8, 0.7};
}

/// The terms of eq. 11, each shape<>.
template <class X>
struct loss_terms {
  X total, main, levels, edge, consistency;
};

template <class X, class T, class S, class D, class Regions>
auto total_over(const segmentation<X>& out, const tensor<T, S, D>& target, const loss_options& o, const Regions& regions) {
  const auto part = [&](const X& x) { return loss::segmentation(x, target, o.segmentation, regions); };
  const auto main = part(out.main);
  const auto levels = eval(part(out.levels[0]) * o.levels[0] + part(out.levels[1]) * o.levels[1] +
                           (part(out.levels[2]) * o.levels[2] + part(out.levels[3]) * o.levels[3]));
  const auto edges = loss::edge(out.edge, target, o.segmentation.edge_positive_weight, regions);
  const auto agreement = loss::consistency(out.levels, regions);
  return loss_terms<std::remove_cvref_t<decltype(main)>>{eval(main + levels + edges * o.edge + agreement * o.consistency), main, levels, edges,
                                                         agreement};
}

/// Eq. 11 for a head's logits and a target of shape<roi, Base, Base, 1>. At least one RoI.
template <class X, class T, class S, class D>
auto total_loss(const segmentation<X>& out, const tensor<T, S, D>& target, const loss_options& o = {}) {
  return total_over(out, target, o, loss::every_region{});
}

/// The same over the RoIs that are valid: those whose number in `mask`, shape<roi> of 0 and 1, is not 0. Their number is computed on the device. The
/// values of padded regions change neither losses nor gradients, and their own gradients are 0. All terms are 0 where none is valid. At least one
/// RoI, valid or padded. Throws dcs::error where the smoothing of Dice is not above 0, as it alone makes Dice of no region 0.
template <class X, class T, class S, class M, class D>
auto total_loss(const segmentation<X>& out, const tensor<T, S, D>& target, const tensor<T, M, D>& mask, const loss_options& o = {}) {
  static_assert(M::rank == 1, "dcs::dcsnet::total_loss: a mask has one axis, the regions");
  expect(o.segmentation.smoothing > 0, "dcs::dcsnet::total_loss: smoothing ", o.segmentation.smoothing,
         "; expected more than 0 where regions may be padded");
  expect(mask.size() == target.sizes()[0], "dcs::dcsnet::total_loss: a mask of ", mask.size(), " for ", target.sizes()[0], " regions");
  const loss::valid_regions<extent_of<S, 0>, T, D> regions(mask);
  return total_over(out, eval(regions.keep(target)), o, regions);
}

}  // namespace dcs::models::dcsnet

#include <dcs/core/header_end.inl>
