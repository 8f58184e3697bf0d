// Samples of one size as the arrays that a network takes: images, and what is known of them; and the array that it gives as predictions.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/ops/cast/cast.hpp>

#include <memory>

DCS_EXACT_MATH
namespace dcs {

using image_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
using mask_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 1>;

/// How pixels become the network's input: (value / 255 − mean) / deviation per channel.
struct normalisation {
  std::array<double, 3> mean{0.5, 0.5, 0.5}, deviation{0.5, 0.5, 0.5};
  static normalisation imagenet() { return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}; }
};

/// The native masks of a batch's images.
using native_masks = std::vector<std::shared_ptr<const native_mask>>;

/// Images with their masks, the boxes of their objects, and which object a pixel belongs to: k + 1 for the object of box k of its image, 0 for none.
/// `native`: where samples have their native mask, one for each image; otherwise empty. A part of a batch, and its targets, share them.
struct batch {
  tensor<float, image_shape> images;
  tensor<float, mask_shape> masks;
  std::vector<std::vector<box<float>>> boxes;
  tensor<float, mask_shape> objects;
  native_masks native{};
};

/// The targets of a batch's images, on the network's device: masks of 0 and 1, the objects' boxes, and which object a pixel belongs to. Native masks,
/// on the host, as a batch has them: a network that learns regions crops their targets from these.
template <class T, class D = cpu_device>
struct targets {
  tensor<T, mask_shape, D> masks;
  std::vector<std::vector<box<T>>> boxes;
  tensor<T, mask_shape, D> objects;
  native_masks native{};
};

namespace detail {

// Appends the boxes of sample number i to a batch, and which object each of its pixels belongs to; where it has its native mask, that too.
inline void add_objects(batch& b, const sample& s, extent_t i) {
  const extent_t h = s.pixels.height, w = s.pixels.width;
  float* numbers = b.objects.data() + i * h * w;
  if (s.native.empty()) {
    b.boxes.push_back(labelled_objects(s, numbers));
    return;
  }
  auto native = std::make_shared<native_mask>(native_mask{s.native.truth, {}});
  b.boxes.push_back(native_objects(s.native, h, w, &native->objects));
  const label_map at_size = resize(native->objects, h, w);
  b.native.push_back(std::move(native));
  for (extent_t p = 0; p < h * w; ++p) numbers[p] = static_cast<float>(at_size.pixels[static_cast<std::size_t>(p)]);
}

// Throws dcs::error unless a sample's arrays are of the batch's size, and its native ones of one.
inline void expect_sizes(const sample& s, extent_t h, extent_t w) {
  const auto pixels = static_cast<std::size_t>(h * w);
  expect(s.pixels.height == h && s.pixels.width == w && s.pixels.pixels.size() == 3 * pixels, "dcs::make_batch: ", s.name, " is ", s.pixels.height,
         " × ", s.pixels.width, "; the others are ", h, " × ", w);
  const auto of_size = [&](const auto& m, const char* what) {
    expect(m.height == h && m.width == w && m.pixels.size() == pixels, "dcs::make_batch: the ", what, " of ", s.name, " are ", m.height, " × ",
           m.width, "; expected ", h, " × ", w, " as its image");
  };
  of_size(s.truth, "mask's pixels");
  if (!s.objects.empty()) of_size(s.objects, "objects");
  expect(s.native.is_consistent(), "dcs::make_batch: the native mask of ", s.name, " is ", s.native.truth.height, " × ", s.native.truth.width,
         ", its objects ", s.native.objects.height, " × ", s.native.objects.width, "; expected one size");
}

}  // namespace detail

/// A batch of samples of one size. Throws dcs::error where there is none, where their sizes or those of their masks differ, or where some have their
/// native mask and others do not: what is learned of an image must not depend on its neighbours.
inline batch make_batch(const std::vector<sample>& samples, const normalisation& n) {
  expect(!samples.empty(), "dcs::make_batch: no samples");
  const auto count = static_cast<extent_t>(samples.size());
  const extent_t h = samples[0].pixels.height, w = samples[0].pixels.width;
  batch b{tensor<float, image_shape>::empty({count, h, w, 3}),
          tensor<float, mask_shape>::empty({count, h, w, 1}),
          {},
          tensor<float, mask_shape>::zeros({count, h, w, 1})};
  for (extent_t i = 0; i < count; ++i) {
    const auto& s = samples[static_cast<std::size_t>(i)];
    detail::expect_sizes(s, h, w);
    expect(s.native.empty() == samples[0].native.empty(), "dcs::make_batch: ", s.name, s.native.empty() ? " lacks" : " has", " a native mask, ",
           samples[0].name, s.native.empty() ? " has" : " lacks", " it; expected all or none");
    for (extent_t p = 0; p < h * w; ++p) {
      for (extent_t c = 0; c < 3; ++c) {
        const auto k = static_cast<std::size_t>(c);
        b.images.data()[(i * h * w + p) * 3 + c] =
            static_cast<float>((static_cast<double>(s.pixels.pixels[static_cast<std::size_t>(p * 3 + c)]) / 255 - n.mean[k]) / n.deviation[k]);
      }
      b.masks.data()[i * h * w + p] = s.truth.pixels[static_cast<std::size_t>(p)];
    }
    detail::add_objects(b, s, i);
  }
  return b;
}

/// A prediction for each image of a map of probabilities, shape<N, H, W, 1>, on any device, in any element type; without detections.
template <operand X>
std::vector<prediction> predictions_of(const X& probability) {
  static_assert(shape_t<X>::rank == 4 && extent_of<shape_t<X>, 3> == 1, "dcs::predictions_of: expected probabilities of shape<N, H, W, 1>");
  const auto p = cast<float>(to<cpu_device>(value(eval(probability))));
  const extent_t n = p.sizes()[0], h = p.sizes()[1], w = p.sizes()[2];
  std::vector<prediction> out;
  for (extent_t i = 0; i < n; ++i) out.push_back({h, w, {p.data() + i * h * w, p.data() + (i + 1) * h * w}, {}});
  return out;
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
