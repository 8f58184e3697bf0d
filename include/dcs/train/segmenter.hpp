// The interface of networks for training, evaluation and prediction. A network declares its options and the names of its loss terms, computes its
// losses on a batch, and predicts; nothing is registered and there is no base class. Abilities that only some networks have are concepts of their
// own; a program that needs one gives a clear error for other networks.
//
//   template <int Width> struct my_net {
//     struct options { double dice = 1; };                                    // its own numbers (nn/options.hpp)
//     static constexpr std::array loss_terms{"dice_loss", "cross_entropy"};   // columns of results.csv
//     template <operand X, class T, class D>                                  // X a var: training; a tensor: evaluation mode
//     loss::terms<X, 2> losses(const X& images, const targets<T, D>&, const options&, random_stream) const;
//     template <class T, class D>
//     std::vector<prediction> predict(const tensor<T, image_shape, D>& images, const options&) const;
//   };
//   static_assert(segmenter<my_net<64>>);
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/data/batch.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/loss/terms.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/nn/options.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A network that can be trained and predicts masks. `losses` takes images of shape<N, H, W, 3> with their targets, and a stream for all its random
/// numbers but those of dropout (which come from the trainer's random_scope); `predict` returns one prediction for each image.
template <class Net>
concept segmenter = module<Net> && std::default_initializable<typename Net::options> &&
    requires(const Net& net, const var<float, image_shape>& learned, const tensor<float, image_shape>& images, const targets<float>& known,
             const typename Net::options& o, random_stream random) {
  { Net::loss_terms.size() } -> std::convertible_to<std::size_t>;
  net.losses(learned, known, o, random).values;
  net.losses(images, known, o, random).values;
  { net.predict(images, o) } -> std::same_as<std::vector<prediction>>;
};

/// A segmenter that segments regions, and whose boxes can be supplied: `predict(images, options, boxes)`, a list of boxes for each image.
template <class Net>
concept region_segmenter = segmenter<Net> && requires(const Net& net, const tensor<float, image_shape>& images, const typename Net::options& o,
                                                      const std::vector<std::vector<box<float>>>& boxes) {
  { net.predict(images, o, boxes) } -> std::same_as<std::vector<prediction>>;
};

/// Whether a network learns from native masks (data/batch.hpp) where a batch has them: it says so by `static constexpr bool native_targets = true`.
template <class Net>
constexpr bool learns_native_targets = requires {
  requires Net::native_targets;
};

/// Names of the numbers that a network counts in a step besides its losses; empty where it declares none.
template <class Net>
constexpr auto count_names_of() {
  if constexpr (requires { Net::count_names; })
    return Net::count_names;
  else
    return std::array<const char*, 0>{};
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
