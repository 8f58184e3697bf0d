// Runs a network with one logit for every pixel on a file of goldens (bench/reference/rivals/run.py goldens FILE --net NAME).
#pragma once

#include "outcome.hpp"

#include <dcs/loss/terms.hpp>

namespace compare {

/// Collects traced values as output/NAME, a level's number after it.
struct output_tracer {
  outcome* out;
  template <class X, class... Index>
  void operator()(const char* name, const X& x, Index... index) const {
    put(*out, "output/" + (std::string(name) + ... + std::to_string(index)), value(x));
  }
};

/// Every stage in training mode; then a step's losses, gradients, and running statistics after it.
template <class Net, class T>
outcome run_pixelwise(const io::safetensors& file) {
  outcome out;
  auto net = std::make_unique<Net>();
  initialize<T>(*net, 0);
  load_weights(*net, file);
  const var<T, image_shape> images(from_nchw<T, image_shape>(file.at("input/image")));
  const auto masks = from_nchw<T, mask_shape>(file.at("input/mask"));
  put(out, "output/logits", value((*net)(images, output_tracer{&out})));
  load_weights(*net, file);
  const auto terms = net->losses(images, targets<T>{masks, {}, masks}, typename Net::options{}, {});
  const auto total = loss::total(terms);
  put(out, "loss/total", value(total));
  put(out, "loss/logits", value(total));
  backward(total);
  put_gradients<T>(out, "grad/", *net);
  put_buffers<T>(out, *net);
  return out;
}

template <class Net>
variant make_pixelwise(const char* net, const char* small) {
  return {{{"net", net}, {"small", small}, {"mode", "train"}}, &run_pixelwise<Net, double>, &run_pixelwise<Net, float>};
}

}  // namespace compare
