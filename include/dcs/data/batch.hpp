// Samples of one size as the arrays that a network takes: images, and what is known of them; and the array that it gives as predictions.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/tensor.hpp>
#include <dcs/data/sample.hpp>
#include <dcs/image/prediction.hpp>
#include <dcs/ops/cast/cast.hpp>

DCS_EXACT_MATH
namespace dcs {

using image_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 3>;
using mask_shape = shape<dyn<"batch">, dyn<"height">, dyn<"width">, 1>;

/// How pixels become the network's input: (value / 255 − mean) / deviation per channel.
struct normalisation {
  std::array<double, 3> mean{0.5, 0.5, 0.5}, deviation{0.5, 0.5, 0.5};
  static normalisation imagenet() { return {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}; }
};

/// Images with their masks, the boxes of their objects, and which object a pixel belongs to: k + 1 for the object of box k of its image, 0 for none.
/// `native`: where a sample has its native mask, one for each image (of an image that has none the mask as it is); otherwise empty.
struct batch {
  tensor<float, image_shape> images;
  tensor<float, mask_shape> masks;
  std::vector<std::vector<box<float>>> boxes;
  tensor<float, mask_shape> objects;
  std::vector<native_mask> native{};
};

/// The targets of a batch's images, on the network's device: masks of 0 and 1, the objects' boxes, and which object a pixel belongs to. Native masks,
/// on the host, as a batch has them: a network that learns regions crops their targets from these.
template <class T, class D = cpu_device>
struct targets {
  tensor<T, mask_shape, D> masks;
  std::vector<std::vector<box<T>>> boxes;
  tensor<T, mask_shape, D> objects;
  std::vector<native_mask> native{};
};

namespace detail {

// Appends the boxes of sample number i to a batch, and which object each of its pixels belongs to; with `native`, its native mask too.
inline void add_objects(batch& b, const sample& s, extent_t i, bool native) {
  const extent_t h = s.pixels.height, w = s.pixels.width;
  float* numbers = b.objects.data() + i * h * w;
  if (s.native.empty()) {
    b.boxes.push_back(labelled_objects(s, numbers));
    if (!native) return;
    b.native.push_back({s.truth, {h, w, std::vector<std::int32_t>(static_cast<std::size_t>(h * w))}});
    for (extent_t p = 0; p < h * w; ++p) b.native.back().objects.pixels[static_cast<std::size_t>(p)] = static_cast<std::int32_t>(numbers[p]);
    return;
  }
  b.native.push_back({s.native.truth, {}});
  b.boxes.push_back(native_objects(s.native, h, w, &b.native.back().objects));
  const label_map at_size = resize(b.native.back().objects, h, w);
  for (extent_t p = 0; p < h * w; ++p) numbers[p] = static_cast<float>(at_size.pixels[static_cast<std::size_t>(p)]);
}

}  // namespace detail

/// A batch of samples of one size. Throws dcs::error where there is none, or where their sizes differ.
inline batch make_batch(const std::vector<sample>& samples, const normalisation& n) {
  expect(!samples.empty(), "dcs::make_batch: no samples");
  const auto count = static_cast<extent_t>(samples.size());
  const extent_t h = samples[0].pixels.height, w = samples[0].pixels.width;
  batch b{tensor<float, image_shape>::empty({count, h, w, 3}),
          tensor<float, mask_shape>::empty({count, h, w, 1}),
          {},
          tensor<float, mask_shape>::zeros({count, h, w, 1})};
  const bool native = std::any_of(samples.begin(), samples.end(), [](const sample& s) { return !s.native.empty(); });
  for (extent_t i = 0; i < count; ++i) {
    const auto& s = samples[static_cast<std::size_t>(i)];
    expect(s.pixels.height == h && s.pixels.width == w, "dcs::make_batch: ", s.name, " is ", s.pixels.height, " × ", s.pixels.width,
           "; the others are ", h, " × ", w);
    expect(s.objects.empty() || (s.objects.height == h && s.objects.width == w), "dcs::make_batch: the objects of ", s.name, " are ",
           s.objects.height, " × ", s.objects.width, "; expected ", h, " × ", w, " as its image");
    for (extent_t p = 0; p < h * w; ++p) {
      for (extent_t c = 0; c < 3; ++c) {
        const auto k = static_cast<std::size_t>(c);
        b.images.data()[(i * h * w + p) * 3 + c] =
            static_cast<float>((static_cast<double>(s.pixels.pixels[static_cast<std::size_t>(p * 3 + c)]) / 255 - n.mean[k]) / n.deviation[k]);
      }
      b.masks.data()[i * h * w + p] = s.truth.pixels[static_cast<std::size_t>(p)];
    }
    detail::add_objects(b, s, i, native);
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
