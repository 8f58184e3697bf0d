// Runs a Mask R-CNN on a file of goldens (bench/reference/rivals/run.py goldens FILE --net mask-rcnn): fixed proposals, samplers that take
// everything.
#pragma once

#include "outcome.hpp"

#include <dcs/image/objects.hpp>
#include <dcs/models/mask_rcnn/mask_rcnn.hpp>

namespace compare {

/// The backbone of the small networks: a ResNet of one bottleneck a stage.
template <int Width, template <int> class Norm = nn::frozen_batch_norm>
struct short_resnet {
  struct plan {
    static constexpr int expansion = 4;
    template <int In, int W, int Stride, template <int> class N>
    using block = models::resnet::bottleneck<In, W, Stride, N>;
  };
  static constexpr std::array channels{4 * Width, 8 * Width, 16 * Width, 32 * Width};
  models::resnet::plain_conv<3, Width, 7, 2> conv1;
  Norm<Width> bn1;
  models::resnet::stage<plan, Width, Width, 1, 1, Norm> layer1;
  models::resnet::stage<plan, 4 * Width, 2 * Width, 2, 1, Norm> layer2;
  models::resnet::stage<plan, 8 * Width, 4 * Width, 2, 1, Norm> layer3;
  models::resnet::stage<plan, 16 * Width, 8 * Width, 2, 1, Norm> layer4;
  DCS_MEMBERS(conv1, bn1, layer1, layer2, layer3, layer4)

  template <operand X>
  constexpr auto operator()(const X& x) const {
    const auto c2 = layer1(max_pool2d<3, 2, 1>(eval(relu(bn1(conv1(x))))));
    const auto c3 = layer2(c2);
    const auto c4 = layer3(c3);
    return std::tuple(c2, c3, c4, layer4(c4));
  }
};

template <int Hidden>
struct short_stages : models::mask_rcnn::stages {
  template <int Width>
  using box = box_head<Width, Hidden>;
};

/// Objects as torchvision has them: boxes from the first to one past the last pixel.
template <class T>
targets<T> tight_targets(const tensor<T, mask_shape>& masks) {
  const auto [n, h, w, channels] = masks.sizes();
  targets<T> known{masks, {}, tensor<T, mask_shape>::zeros(masks.sizes())};
  for (extent_t i = 0; i < n; ++i) {
    mask m{h, w, {}};
    for (extent_t p = 0; p < h * w; ++p) m.pixels.push_back(masks.data()[i * h * w + p] > T(0.5));
    known.boxes.emplace_back();
    for (const auto& b : labelled_objects(m, known.objects.data() + i * h * w, smallest_object, 0))
      known.boxes.back().push_back({T(b.x1), T(b.y1), T(b.x2) + 1, T(b.y2) + 1});
  }
  return known;
}

template <class T>
std::vector<std::vector<box<T>>> stored_boxes(const io::safetensors& file, const std::string& name, extent_t images) {
  std::vector<std::vector<box<T>>> out;
  for (extent_t n = 0; n < images; ++n) {
    const auto b = file.at(name + "." + std::to_string(n)).as<T>();
    out.emplace_back();
    for (std::size_t i = 0; i + 3 < b.size(); i += 4) out.back().push_back({b[i], b[i + 1], b[i + 2], b[i + 3]});
  }
  return out;
}

// Pyramid and RPN.
template <class Pyramid, class Levels>
void put_levels(outcome& out, const Pyramid& pyramid, const Levels& levels) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((put(out, std::string("output/fpn/") + (I == 4 ? "pool" : std::to_string(I)), value(std::get<I>(pyramid))),
      put(out, "output/rpn/objectness." + std::to_string(I), value(std::get<I>(levels).objectness)),
      put(out, "output/rpn/deltas." + std::to_string(I), value(std::get<I>(levels).deltas))),
     ...);
  }
  (std::make_index_sequence<5>());
}

// What the heads say of the sampled boxes and of the regions.
template <class Net, class Pyramid, class T>
void put_heads(outcome& out, const Net& net, const Pyramid& pyramid, const std::vector<std::vector<box<T>>>& boxes,
               const std::vector<std::vector<box<T>>>& regions, extent_t height) {
  using box_type = typename decltype(net.detector)::box_type;
  const auto& head = net.detector.roi_heads;
  const auto pooled = pool_boxes<box_type::side>(boxes, pyramid, height);
  const auto flat = reshape<shape<dyn<"proposal">, box_type::side * box_type::side * extent_of<shape_t<decltype(pooled)>, 3>>>(pooled);
  put(out, "output/box/pooled", value(pooled));
  put(out, "output/box/features", value(eval(relu(head.fc7(eval(relu(head.fc6(flat))))))));
  const auto said = head(pooled);
  put(out, "output/box/logits", value(eval(said.scores)));
  put(out, "output/box/deltas", value(eval(said.deltas)));
  const auto inside = pool_boxes<Net::mask_type::side>(regions, pyramid, height);
  put(out, "output/mask/pooled", value(inside));
  put(out, "output/mask/logits", value(net.mask.all_classes(inside)));
}

template <class Net, class T>
outcome run_mask_rcnn(const io::safetensors& file) {
  using namespace models::mask_rcnn;
  using X = var<T, image_shape>;
  outcome out;
  auto net = std::make_unique<Net>();
  initialize<T>(*net, 0);
  load_weights(*net, file);
  const X images(from_nchw<T, image_shape>(file.at("input/image")));
  const auto known = tight_targets(from_nchw<T, mask_shape>(file.at("input/mask")));
  const extent_t n = images.sizes()[0], h = images.sizes()[1], w = images.sizes()[2];
  const auto o = detector_options::everything();
  const auto pyramid = net->detector.features(images);
  const auto levels = net->detector.propose_levels(pyramid);
  put_levels(out, pyramid, levels);
  const auto proposals = net->detector.template proposals<T>(o.rpn, true, h, w, levels);
  for (std::size_t i = 0; i < proposals.size(); ++i) put_boxes(out, "output/rpn/proposals." + std::to_string(i), proposals[i]);
  const auto detector = net->detector.losses_of_levels(pyramid, levels, stored_boxes<T>(file, "input/proposals", n), h, w, known.boxes, o, {});
  const auto regions = positive_regions(detector.sampled);
  put_heads(out, *net, pyramid, detector.sampled.boxes, regions.boxes, h);
  const auto terms = terms_of<X>(detector, mask_loss<X>(*net, pyramid, known, regions, h), regions.count());
  const auto total = loss::total(terms);
  put(out, "loss/total", value(total));
  for (std::size_t i = 0; i < loss_names.size(); ++i)
    for (const char* group : {"loss/", "output/term/"}) put(out, std::string(group) + loss_names[i], value(terms.values[i]));
  backward(total);
  put_gradients<T>(out, "grad/", *net);
  put_buffers<T>(out, *net);
  return out;
}

template <class Net>
variant make_mask_rcnn(const char* small) {
  return {{{"net", "mask-rcnn"}, {"small", small}, {"mode", "train"}}, &run_mask_rcnn<Net, double>, &run_mask_rcnn<Net, float>};
}

}  // namespace compare
