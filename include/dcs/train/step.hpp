// One training step of any segmenter, its losses on validation images, and its predictions, on batches. The epoch loop, the programs and the
// benchmark call these; a user's loop can too.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/nn/layers.hpp>
#include <dcs/ops/cast/cast.hpp>
#include <dcs/train/precision.hpp>
#include <dcs/train/segmenter.hpp>
#include <dcs/train/step_losses.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// A part of a batch where the network lies, in an element type.
template <class D, class T, class S>
tensor<T, S, D> placed(const tensor<float, S>& x) {
  return to<D>(cast<T>(x));
}
template <class P>
targets<typename P::compute, typename P::device> placed_targets(const batch& b) {
  using T = typename P::compute;
  using D = typename P::device;
  targets<T, D> t{placed<D, T>(b.masks), {}, placed<D, T>(b.objects), b.native};
  for (const auto& image : b.boxes) {
    t.boxes.emplace_back();
    for (const auto& x : image) t.boxes.back().push_back({static_cast<T>(x.x1), static_cast<T>(x.y1), static_cast<T>(x.x2), static_cast<T>(x.y2)});
  }
  return t;
}

// What f computes with a network; errors say after which layer they arose.
template <class F>
auto in_network(const F& f) {
  const module_scope whole;
  return f();
}

template <class Net>
void expect_finite_term(const char* who, std::size_t i, double value) {
  expect(is_finite(value), who, ": the loss is not finite: ", Net::loss_terms[i], " is ", value);
}
// The numbers of a step's losses. Throws dcs::error, naming the term, where one is not finite.
template <class Net, class Terms, class Total>
step_losses read_losses(const char* who, const Terms& t, const Total& total) {
  step_losses l;
  for (std::size_t i = 0; i < t.values.size(); ++i) {
    l.terms.push_back(static_cast<double>(t.values[i].item()));
    expect_finite_term<Net>(who, i, l.terms.back());
  }
  for (const extent_t c : t.counts) l.counts.push_back(static_cast<double>(c));
  l.total = static_cast<double>(total.item());
  expect(is_finite(l.total), who, ": the loss is ", l.total);
  return l;
}

}  // namespace detail

/// Losses of a batch in training mode, with their gradients in the network's parameters. The network lies on P's device; the batch is brought there.
/// `weight` multiplies the gradients, not the losses: what the batch counts for where it is a part of a larger one (train/shards/stepper.hpp). Throws
/// dcs::error where the loss is not finite.
template <class P = precision<>, segmenter Net>
step_losses train_step(Net& net, const batch& b, const typename Net::options& o, random_stream random, double weight = 1) {
  using D = typename P::device;
  using T = typename P::element;
  const random_scope dropout(random);
  const auto terms =
      detail::in_network([&] { return net.losses(var<T, image_shape, D>(detail::placed<D, T>(b.images)), detail::placed_targets<P>(b), o, random); });
  const auto total = loss::total(terms);
  const step_losses l = detail::read_losses<Net>("dcs::train_step", terms, total);
  weight == 1 ? backward(total) : backward(eval(total * weight));
  return l;
}

/// Losses of a batch in evaluation mode, and what the network predicts of its images. A network that shares work between the two says so by
/// losses_and_predictions(images, targets, options). Throws dcs::error where the loss is not finite.
template <class P = precision<>, segmenter Net>
std::pair<step_losses, std::vector<prediction>> validate_batch(const Net& net, const batch& b, const typename Net::options& o) {
  const auto images = detail::placed<typename P::device, typename P::element>(b.images);
  const auto known = detail::placed_targets<P>(b);
  const auto read = [](const auto& terms) { return detail::read_losses<Net>("dcs::validate_batch", terms, loss::total(terms)); };
  if constexpr (requires { net.losses_and_predictions(images, known, o); }) {
    auto both = detail::in_network([&] { return net.losses_and_predictions(images, known, o); });
    return {read(both.first), std::move(both.second)};
  } else {
    const auto losses = read(detail::in_network([&] { return net.losses(images, known, o, random_stream{}); }));
    return {losses, detail::in_network([&] { return net.predict(images, o); })};
  }
}

/// Predictions of images, shape<N, H, W, 3>, normalised, on the host.
template <class P = precision<>, segmenter Net>
std::vector<prediction> predict(const Net& net, const tensor<float, image_shape>& images, const typename Net::options& o) {
  return detail::in_network([&] { return net.predict(detail::placed<typename P::device, typename P::element>(images), o); });
}
/// The same inside given boxes, of each image its list.
template <class P = precision<>, region_segmenter Net>
std::vector<prediction> predict(const Net& net, const tensor<float, image_shape>& images, const typename Net::options& o,
                                const std::vector<std::vector<box<float>>>& boxes) {
  return detail::in_network([&] { return net.predict(detail::placed<typename P::device, typename P::element>(images), o, boxes); });
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
