// Runs a DCSNet on the weights and inputs of a file of goldens (bench/reference/dcsnet.py goldens FILE) and collects everything the file has an entry
// for.
#pragma once

#include "outcome.hpp"

#include <dcs/models/dcsnet/dcsnet.hpp>
#include <dcs/models/dcsnet/loss.hpp>

namespace compare {

using namespace dcs::models::dcsnet;

struct tracer {
  outcome* out;
  template <class X>
  void operator()(const char* name, const X& x) const {
    put(*out, std::string("head/") + name, value(x));
  }
};

template <class T, class X>
void put_outputs(outcome& out, const std::string& group, const segmentation<X>& s) {
  put(out, group + "main", value(s.main));
  put(out, group + "edge", value(s.edge));
  for (std::size_t i = 0; i < 4; ++i) put(out, group + "level." + std::to_string(i), value(s.levels[i]));
}

template <class Net, class T>
outcome run(const io::safetensors& file) {
  outcome out;
  auto net = std::make_unique<Net>();
  initialize<T>(*net, 0);
  load_weights(*net, file);
  const auto images = from_nchw<T, image_shape>(file.at("input/images"));
  const auto roi_values = file.at("input/rois").as<T>();
  const auto rois = tensor<T, shape<dyn<"roi">, 5>>::from(roi_values, {static_cast<extent_t>(roi_values.size() / 5), 5});
  const auto masks = from_nchw<T, shape<dyn<"roi">, Net::base, Net::base, 1>>(file.at("input/masks"));
  const extent_t batch = images.sizes()[0], height = images.sizes()[1], width = images.sizes()[2];
  std::vector<std::vector<box<T>>> truth(static_cast<std::size_t>(batch));
  for (std::size_t n = 0; n < truth.size(); ++n) {
    const auto b = file.at("input/boxes." + std::to_string(n)).as<T>();
    for (std::size_t i = 0; i + 3 < b.size(); i += 4) truth[n].push_back({b[i], b[i + 1], b[i + 2], b[i + 3]});
  }
  const random_scope::off nothing_dropped;
  const auto options = detector_options::everything();

  const auto pyramid = net->detector.features(images);
  put(out, "pyramid/0", std::get<0>(pyramid));
  put(out, "pyramid/1", std::get<1>(pyramid));
  put(out, "pyramid/2", std::get<2>(pyramid));
  put(out, "pyramid/3", std::get<3>(pyramid));
  put(out, "pyramid/pool", std::get<4>(pyramid));
  const auto crops = net->cropper(pyramid, rois);
  put(out, "head/crop.0", std::get<0>(crops));
  put(out, "head/crop.1", std::get<1>(crops));
  put(out, "head/crop.2", std::get<2>(crops));
  put(out, "head/crop.3", std::get<3>(crops));
  const auto logits = net->head(crops, true, tracer{&out});
  put_outputs<T>(out, "head/", logits);
  put(out, "loss/total", models::dcsnet::total_loss(logits, masks).total);
  const auto found = net->detector.template detect<T>(pyramid, height, width, options);
  for (std::size_t n = 0; n < found.size(); ++n) {
    const std::string at = "detections/" + std::to_string(n);
    out[at + ".boxes"], out[at + ".scores"], out[at + ".labels"];
    for (const auto& d : found[n]) {
      for (T x : {d.box.x1, d.box.y1, d.box.x2, d.box.y2}) out[at + ".boxes"].push_back(static_cast<double>(x));
      out[at + ".scores"].push_back(static_cast<double>(d.score));
      out[at + ".labels"].push_back(1);
    }
  }

  {
    auto leaf = [](const auto& t) { return std::remove_cvref_t<decltype(var(t))>::leaf(t); };
    const auto leaves = std::tuple(leaf(std::get<0>(pyramid)), leaf(std::get<1>(pyramid)), leaf(std::get<2>(pyramid)), leaf(std::get<3>(pyramid)));
    const auto trained = net->segment(leaves, rois);
    put_outputs<T>(out, "train/", trained);
    const auto total = models::dcsnet::total_loss(trained, masks).total;
    put(out, "train/loss", total.value());
    backward(total);
    put(out, "grad/pyramid.0", std::get<0>(leaves).grad());
    put(out, "grad/pyramid.1", std::get<1>(leaves).grad());
    put(out, "grad/pyramid.2", std::get<2>(leaves).grad());
    put(out, "grad/pyramid.3", std::get<3>(leaves).grad());
    put_gradients<T>(out, "grad/", *net);
  }
  clear_gradients(*net);
  load_weights(*net, file);
  {
    const auto p = net->detector.features(var<T, image_shape>(images));
    const auto result = net->detector.template losses<T>(p, height, width, truth, options, {});
    put(out, "train.detector/loss_classifier", value(result.classifier));
    put(out, "train.detector/loss_box_reg", value(result.box));
    put(out, "train.detector/loss_objectness", value(result.objectness));
    put(out, "train.detector/loss_rpn_box_reg", value(result.rpn_box));
    for (std::size_t n = 0; n < result.proposals.size(); ++n) put_boxes(out, "train.detector/proposals." + std::to_string(n), result.proposals[n]);
    backward(result.total());
    put_gradients<T>(out, "grad.detector/", *net);
  }
  return out;
}

template <class Net>
variant make_variant(int depth, bool msfa, bool scratch) {
  const auto spelled = [](bool yes) { return yes ? "True" : "False"; };
  return {{{"depth", std::to_string(depth)},
           {"width", std::to_string(Net::width)},
           {"base", std::to_string(Net::base)},
           {"msfa", spelled(msfa)},
           {"scratch", spelled(scratch)}},
          &run<Net, double>,
          &run<Net, float>};
}

}  // namespace compare
