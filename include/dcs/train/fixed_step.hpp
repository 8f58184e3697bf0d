// A training step whose sizes do not depend on the data. The host neither waits nor decides anything, so that a GPU can replay the step
// (captured_step.hpp). Losses and gradients are those of train_step; the losses stay in the device's memory until they are read.
//
// A network whose sizes never depend on the data declares `static constexpr bool fixed_size = true`; another may provide fixed_size_losses(net,
// images, fixed_targets, options, random) in its namespace (models/dcsnet/fixed_size.cuh). A network with neither cannot be captured.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/detect/fixed_losses.cuh>
#include <dcs/train/step.hpp>

DCS_EXACT_MATH
namespace dcs {

/// A batch on a device, in memory that is reused for every step: images of T, and targets in the type that T is computed in.
template <cuda::gpu D, class T>
struct fixed_batch {
  tensor<T, image_shape, D> images;
  cuda::fixed_targets<compute_type<T>, D> known;

  /// For n images of h × w with at most `most_truth` true boxes each.
  fixed_batch(extent_t n, extent_t h, extent_t w, extent_t most_truth = 16)
      : images(tensor<T, image_shape, D>::zeros({n, h, w, 3})), known(n, h, w, most_truth) {}
};

/// The contents of a fixed_batch on the host: contiguous arrays of the same element types.
template <class T>
struct staged_batch {
  using B = compute_type<T>;
  tensor<T, image_shape> images;
  tensor<B, mask_shape> masks, objects;
  std::vector<B> corners;
  std::vector<std::int32_t> counts;
};

/// A batch prepared for a fixed_batch. Throws dcs::error for more than `most_truth` true boxes of an image, for one without area,
/// and for native masks.
template <class T>
staged_batch<T> staged(const batch& b, extent_t most_truth) {
  using B = compute_type<T>;
  expect(b.native.empty(), "dcs::staged: the batch has native masks, whose sizes are not fixed; expected none");
  staged_batch<T> s{
      cast<T>(b.images), cast<B>(b.masks), cast<B>(b.objects), std::vector<B>(b.boxes.size() * static_cast<std::size_t>(most_truth) * 4), {}};
  for (std::size_t n = 0; n < b.boxes.size(); ++n) {
    const auto& boxes = b.boxes[n];
    expect(static_cast<extent_t>(boxes.size()) <= most_truth, "dcs::staged: image ", n, " has ", boxes.size(), " true boxes; expected at most ",
           most_truth);
    s.counts.push_back(static_cast<std::int32_t>(boxes.size()));
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const auto& x = boxes[i];
      expect(x.width() > 0 && x.height() > 0, "dcs::staged: a true box of image ", n, " is ", x.width(), " wide and ", x.height(),
             " high; expected both positive");
      B* corner = s.corners.data() + (n * static_cast<std::size_t>(most_truth) + i) * 4;
      corner[0] = static_cast<B>(x.x1), corner[1] = static_cast<B>(x.y1), corner[2] = static_cast<B>(x.x2), corner[3] = static_cast<B>(x.y2);
    }
  }
  return s;
}

/// Calls body(memory of the device, memory of the host, bytes) for each array of a batch. Throws dcs::error where sizes differ.
template <class D, class T, class Body>
void for_each_array(fixed_batch<D, T>& to, const staged_batch<T>& s, const Body& body) {
  expect(to.images.sizes() == s.images.sizes() && to.known.masks.sizes() == s.masks.sizes(), "dcs::fixed_batch: images of ",
         to_string(s.images.sizes()), " and masks of ", to_string(s.masks.sizes()), " for a fixed batch of ", to_string(to.images.sizes()));
  expect(to.known.boxes.corners.size() == static_cast<extent_t>(s.corners.size()), "dcs::fixed_batch: ", s.corners.size() / 4,
         " places for true boxes; expected ", to.known.boxes.corners.size() / 4);
  body(to.images.data(), s.images.data(), to.images.bytes());
  body(to.known.masks.data(), s.masks.data(), to.known.masks.bytes());
  body(to.known.objects.data(), s.objects.data(), to.known.objects.bytes());
  body(to.known.boxes.corners.data(), s.corners.data(), to.known.boxes.corners.bytes());
  body(to.known.boxes.counts.data(), s.counts.data(), to.known.boxes.counts.span().size * static_cast<std::int64_t>(sizeof(std::int32_t)));
}

/// Fills a batch. Throws dcs::error where sizes differ.
template <class D, class T>
void fill(fixed_batch<D, T>& to, const staged_batch<T>& s) {
  for_each_array(to, s, [](void* on_device, const void* on_host, std::int64_t bytes) { D::copy_from_host(on_device, on_host, bytes); });
}

/// The losses of a step, on a device: the total, the network's loss_terms, and its counts.
template <cuda::gpu D, class B, class Net>
class fixed_losses {
 public:
  template <class... X>
  void write(const X&... scalar) {
    static_assert(sizeof...(X) <= places);
    extent_t at = 0;
    (D::copy(numbers_.data() + at++, value(scalar).data(), sizeof(B)), ...);
  }
  /// Waits for them. Throws dcs::error, naming the term, where the loss is not finite.
  step_losses read() const {
    B t[places];
    D::copy_to_host(t, numbers_.data(), sizeof t);
    step_losses l;
    l.total = static_cast<double>(t[0]);
    for (std::size_t i = 1; i <= Net::loss_terms.size(); ++i) {
      l.terms.push_back(static_cast<double>(t[i]));
      detail::expect_finite_term<Net>("dcs::fixed_train_step", i - 1, l.terms.back());
    }
    for (std::size_t i = 1 + Net::loss_terms.size(); i < places; ++i) l.counts.push_back(static_cast<double>(t[i]));
    expect(is_finite(l.total), "dcs::fixed_train_step: the loss is ", l.total);
    return l;
  }

 private:
  static constexpr std::size_t places = 1 + Net::loss_terms.size() + count_names_of<Net>().size();
  tensor<B, shape<places>, D> numbers_ = tensor<B, shape<places>, D>::zeros();
};

/// A segmenter whose training step can be of fixed sizes on device D, with maps of T.
template <class Net, class D, class T>
concept fixed_size_segmenter = segmenter<Net> &&(
    requires { requires Net::fixed_size; } ||
    requires(Net & net, const var<T, image_shape, D>& images, const cuda::fixed_targets<compute_type<T>, D>& known, const typename Net::options& o) {
      fixed_size_losses(net, images, known, o, random_stream{});
    });

/// Computes losses of a batch in training mode into `losses`, and their gradients into the network's parameters: train_step for fixed sizes, without
/// waiting.
template <class D, class T, class Net>
requires fixed_size_segmenter<Net, D, T>
void fixed_train_step(Net& net, const fixed_batch<D, T>& b, const typename Net::options& o, random_stream random,
                      fixed_losses<D, compute_type<T>, Net>& losses) {
  using B = compute_type<T>;
  const random_scope dropout(random);
  const var<T, image_shape, D> images(b.images);
  const auto write = [&](const auto& total, const auto& values, const auto&... counts) {
    std::apply([&](const auto&... term) { losses.write(total, term..., counts...); }, values);
  };
  if constexpr (requires { requires Net::fixed_size; }) {
    const auto terms = detail::in_network([&] { return net.losses(images, targets<B, D>{b.known.masks, {}, b.known.objects}, o, random); });
    const auto total = loss::total(terms);
    write(total, terms.values);
    backward(total);
  } else {
    const auto out = detail::in_network([&] { return fixed_size_losses(net, images, b.known, o, random); });
    const auto total = loss::total(out.terms);
    write(total, out.terms.values, out.count);
    backward(total);
    for (parameter_base* p : out.conditional) p->set_condition(out.count.memory());
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
