// The common part of networks that return one logit for every pixel of the image: their losses, Dice and cross-entropy over the whole batch, and
// their prediction, the sigmoid. Such a network is a module with a call from images, shape<N, H, W, 3>, to logits, shape<N, H, W, 1>, and derives
// from pixelwise<itself>.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/loss/segmentation.hpp>
#include <dcs/loss/terms.hpp>
#include <dcs/nn/options.hpp>
#include <dcs/ops/cast/cast.hpp>

DCS_EXACT_MATH
namespace dcs::models {

/// Weights of the two losses, and the smoothing of Dice.
struct pixelwise_options {
  double dice = 1, cross_entropy = 1, smoothing = 1e-6;

  template <class Self, class Field>
  static void fields(Self& o, Field&& field) {
    field("dice", o.dice, bounds{0.0, 1000.0}, "weight of the Dice loss");
    field("cross_entropy", o.cross_entropy, bounds{0.0, 1000.0}, "weight of the cross-entropy");
  }
  friend bool operator==(const pixelwise_options&, const pixelwise_options&) = default;
};

/// Makes a segmenter of Net.
template <class Net>
struct pixelwise {
  using options = pixelwise_options;
  static constexpr std::array loss_terms{"dice_loss", "cross_entropy"};
  static constexpr bool fixed_size = true;  // no size depends on the data, so a GPU may replay a captured step

  /// 1 − Dice of the probabilities over the whole batch (Milletari et al. 2016), and the mean cross-entropy of the logits.
  template <operand X, class T, class D>
  loss::terms<X, 2> losses(const X& images, const targets<T, D>& known, const options& o, random_stream) const {
    const auto logits = widened(eval(net()(images)));
    return {{eval(loss::dice(sigmoid(logits), known.masks, o.smoothing) * o.dice),
             eval(loss::binary_cross_entropy(logits, known.masks) * o.cross_entropy)}};
  }
  template <class T, class D>
  std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options&) const {
    return predictions_of(sigmoid(widened(eval(net()(images)))));
  }

 private:
  const Net& net() const { return static_cast<const Net&>(*this); }
};

}  // namespace dcs::models

#include <dcs/core/header_end.inl>
