// The common part of networks that detect objects and then segment regions: their losses, in training and in validation, and the encoder. Such a
// network has a member `detector` (detect/faster_rcnn.hpp), functions training_losses and validation_losses in its namespace, and derives from
// regionwise<itself, its options, number of its loss terms>.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/philox.hpp>
#include <dcs/data/batch.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/loss/terms.hpp>

DCS_EXACT_MATH
namespace dcs::models {

template <class Net, class Options, std::size_t Terms>
struct regionwise {
  using options = Options;
  static constexpr std::array count_names{"regions"};

  /// The terms that Net::loss_terms names: in training mode for a var, in evaluation mode for a tensor.
  template <operand X, class B, class D>
  loss::terms<X, Terms, 1> losses(const X& images, const targets<B, D>& known, const Options& o, random_stream random) const {
    if constexpr (any_var_v<X>)
      return training_losses(net(), images, known, o, random);
    else
      return validation_losses(net(), images, known, o);
  }
  /// Losses and predictions of validation images; the detector runs once for both.
  template <class T, class B, class D>
  std::pair<loss::terms<tensor<T, image_shape, D>, Terms, 1>, std::vector<prediction>> losses_and_predictions(const tensor<T, image_shape, D>& images,
                                                                                                              const targets<B, D>& known,
                                                                                                              const Options& o) const {
    std::vector<prediction> found;
    auto terms = validation_losses(net(), images, known, o, &found);
    return {std::move(terms), std::move(found)};
  }

  /// The part of the network that ImageNet weights are loaded into.
  auto& encoder() { return static_cast<Net&>(*this).detector.body; }

 private:
  const Net& net() const { return static_cast<const Net&>(*this); }
};

}  // namespace dcs::models

#include <dcs/core/header_end.inl>
