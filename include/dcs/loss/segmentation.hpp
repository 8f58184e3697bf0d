// The losses of one logit map against one binary target, as expressions: L_seg = 0.5 Dice + 0.3 focal + 0.2 boundary, the edge loss, and the
// consistency of the levels (DCSNet, eqs 10 and 11). Targets are tensors of 0 and 1 with the logits' shape. Without any region Dice and boundary,
// which are ratios of smoothed sums, are 0; the others are means, and a mean over no elements is a dcs::error.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/loss/functions.hpp>
#include <dcs/ops/laplacian_edges/laplacian_edges.hpp>
#include <dcs/ops/pool/pool.hpp>
#include <dcs/ops/reduce/reduce.hpp>

DCS_EXACT_MATH
namespace dcs::loss {

/// The selection of all regions, which costs nothing. Losses take a selection, which says over which regions they are computed.
struct every_region {
  /// x with zeros in the regions that are not selected.
  template <operand X>
  constexpr const X& keep(const X& x) const {
    return x;
  }
  /// Mean over the elements of the selected regions. shape<>.
  template <operand X>
  constexpr auto mean(const X& x) const {
    return mean_all(x);
  }
};

/// The selection of the regions whose number in a mask is not 0; their number is computed on the device. The values of the others, infinities and NaN
/// included, change neither losses nor gradients. Roi: the first extent of maps shape<Roi, H, W, 1>. Where no region is selected, means are 0.
template <extent Roi, class B, class D>
class valid_regions {
 public:
  /// mask: shape<Roi>, of 0 and 1; at least one region, valid or padded.
  template <class S>
  explicit valid_regions(const tensor<B, S, D>& mask)
      : mask_(tensor<B, shape<Roi, 1, 1, 1>, D>::adopt(mask.memory(), {mask.size(), 1, 1, 1})),
        share_(eval(static_cast<double>(mask.size()) / maximum(sum_all(mask), 1.0))) {}

  template <operand X>
  auto keep(const X& x) const {
    return apply<functions::where>(mask_, x);
  }
  template <operand X>
  auto mean(const X& x) const {
    return mean_all(keep(x)) * share_;
  }

 private:
  tensor<B, shape<Roi, 1, 1, 1>, D> mask_;
  tensor<B, shape<>, D> share_;  // all regions / selected regions
};

/// Weights and constants of the losses, as the paper has them.
struct segmentation_options {
  double dice = 0.5, focal = 0.3, boundary = 0.2;
  double smoothing = 1e-6;
  double focal_alpha = 0.25;
  double edge_positive_weight = 10;
  friend bool operator==(const segmentation_options&, const segmentation_options&) = default;
};

/// 1 − (2 Σ p·t + s) / (Σ p + Σ t + s) over all elements (Milletari et al. 2016). shape<>.
template <operand P, operand Target>
auto dice(const P& p_, const Target& t_, double smoothing = 1e-6) {
  check_target<P, Target>();
  if constexpr (!target_fits<P, Target>) {
    return no_loss<P, Target>();
  } else {
    const auto p = eval(p_);
    const auto t = eval(t_);
    return eval(1 - (2 * sum_all(p * t) + smoothing) / (sum_all(p) + sum_all(t) + smoothing));
  }
}

/// Cross-entropy of a sigmoid, by element: softplus(x) − x · t.
/// Runs: as binary_cross_entropy
template <operand X, operand Target>
constexpr auto cross_entropy_map(const X& x, const Target& t) {
  return apply<functions::library_softplus>(x) - x * t;
}

/// Mean cross-entropy of a sigmoid. shape<>.
/// PyTorch: torch.nn.functional.binary_cross_entropy_with_logits
template <operand X, operand Target>
auto binary_cross_entropy(const X& x, const Target& t) {
  check_target<X, Target>();
  if constexpr (!target_fits<X, Target>) {
    return no_loss<X, Target>();
  } else {
    return mean_all(cross_entropy_map(eval(x), t));
  }
}

/// Mean of α (1 − e^{−ce})² ce, ce the cross-entropy (Lin et al. 2017, γ = 2, α uniform). shape<>.
template <operand X, operand Target, class Regions = every_region>
auto focal(const X& x, const Target& t, double alpha = 0.25, const Regions& regions = {}) {
  check_target<X, Target>();
  if constexpr (!target_fits<X, Target>) {
    return no_loss<X, Target>();
  } else {
    const auto ce = eval(cross_entropy_map(eval(regions.keep(x)), t));
    return regions.mean(square(1 - exp(-ce)) * ce * alpha);
  }
}

/// Soft edges of a map, or of a volume: maxpool3(x) − x, which is large beside a larger value.
/// Runs: as boundary
template <operand X>
auto soft_edge(const X& x_) {
  const auto x = eval(x_);
  if constexpr (shape_t<X>::rank == 5)
    return eval(max_pool3d<3, 1, 1>(x) - x);
  else
    return eval(max_pool2d<3, 1, 1>(x) - x);
}

/// 1 − Dice of the soft edges of probability and target. shape<>.
template <operand P, operand Target>
auto boundary(const P& p, const Target& t, double smoothing = 1e-6) {
  check_target<P, Target>();
  if constexpr (!target_fits<P, Target>) {
    return no_loss<P, Target>();
  } else {
    return dice(soft_edge(p), soft_edge(t), smoothing);
  }
}

/// L_seg of logits; the target is 0 in regions that are not selected. shape<>.
/// Runs: as dice
template <operand X, operand Target, class Regions = every_region>
auto segmentation(const X& x_, const Target& t, const segmentation_options& o = {}, const Regions& regions = {}) {
  check_target<X, Target>();
  if constexpr (!target_fits<X, Target>) {
    return no_loss<X, Target>();
  } else {
    const auto x = eval(x_);
    const auto p = eval(regions.keep(sigmoid(regions.keep(x))));
    return eval(dice(p, t, o.smoothing) * o.dice + focal(x, t, o.focal_alpha, regions) * o.focal + boundary(p, t, o.smoothing) * o.boundary);
  }
}

/// L_edge: mean cross-entropy against the target's edges, positives weighted: (1 − e) x + (1 + (w − 1) e) softplus(−x).
/// shape<>.
template <operand X, class T, class S, class D, class Regions = every_region>
auto edge(const X& x_, const tensor<T, S, D>& target, double positive_weight = 10, const Regions& regions = {}) {
  check_target<X, tensor<T, S, D>>();
  if constexpr (!target_fits<X, tensor<T, S, D>>) {
    return no_loss<X, tensor<T, S, D>>();
  } else {
    const auto x = eval(regions.keep(x_));
    const auto e = laplacian_edges(target);
    return eval(regions.mean((1 - e) * x + (1 + (positive_weight - 1) * e) * apply<functions::library_softplus>(-x)));
  }
}

/// L_cons, eq. 10: the mean over adjacent levels of the mean squared difference of their probabilities. shape<>.
template <operand X, class Regions = every_region>
auto consistency(const std::array<X, 4>& levels, const Regions& regions = {}) {
  const auto p = [&](const X& x) { return eval(sigmoid(regions.keep(x))); };
  const auto a = p(levels[0]), b = p(levels[1]), c = p(levels[2]), d = p(levels[3]);
  const auto term = [&](const auto& x, const auto& y) { return regions.mean(square(x - y)); };
  return eval((term(a, b) + term(b, c) + term(c, d)) / 3);
}

}  // namespace dcs::loss

namespace dcs {

// The expressions above, in order, and the sums of a network's terms, for dcs::compiled (expr/common.hpp).
#define DCS_SEGMENTATION_LOSS_EXPRESSIONS(declare, T)                                                                                                \
  DCS_EXPRESSION(declare, T, 1 - (2 * expr::map<T>() + 1) / (expr::map<T>() + expr::map<T>() + 1))                                                   \
  DCS_EXPRESSION(declare, T, loss::cross_entropy_map(expr::map<T>(), expr::map<T>()))                                                                \
  DCS_EXPRESSION(declare, T, square(1 - exp(-expr::map<T>())) * expr::map<T>() * 1)                                                                  \
  DCS_EXPRESSION(declare, T, expr::map<T>() * 1 + expr::map<T>() * 1 + expr::map<T>() * 1)                                                           \
  DCS_EXPRESSION(declare, T, (1 - expr::map<T>()) * expr::map<T>() + (1 + 1 * expr::map<T>()) * apply<functions::library_softplus>(-expr::map<T>())) \
  DCS_EXPRESSION(declare, T, expr::map<T>() * 1 + expr::map<T>() * 1 + (expr::map<T>() * 1 + expr::map<T>() * 1))                                    \
  DCS_EXPRESSION(declare, T, expr::map<T>() + expr::map<T>() + expr::map<T>() * 1 + expr::map<T>() * 1)
DCS_ENTRIES(DCS_SEGMENTATION_LOSS_EXPRESSIONS)

}  // namespace dcs

#include <dcs/core/header_end.inl>
