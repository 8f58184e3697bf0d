// The segmentation head alone against PyTorch's: every stage, loss, gradient and running statistic of goldens/head.py, in f64 and f32.
#include <dcs/models/dcsnet/loss.hpp>
#include <dcs/models/dcsnet/segmentation_head.hpp>
#include <dcs/nn/state_dict.hpp>

#include "../../ops/goldens.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>

using namespace dcs;
using namespace dcs::models::dcsnet;

namespace {

constexpr int width = 32, base = 32;
using head_type = segmentation_head<width, base, msfa<4, 8>>;

// Values by name, in PyTorch's layout.
using outcome = std::map<std::string, std::vector<double>>;

struct tracer {
  outcome* out;
  template <class X>
  void operator()(const char* name, const X& x) const {
    put(*out, std::string("head/") + name, value(x));
  }
  template <class T, class S>
  static void put(outcome& out, const std::string& name, const tensor<T, S>& t) {
    const auto& n = t.sizes();
    auto& v = out[name];
    v.clear();
    if constexpr (S::rank == 4) {
      for (extent_t b = 0; b < n[0]; ++b)
        for (extent_t c = 0; c < n[3]; ++c)
          for (extent_t i = 0; i < n[1] * n[2]; ++i) v.push_back(static_cast<double>(t.data()[(b * n[1] * n[2] + i) * n[3] + c]));
    } else {
      for (extent_t i = 0; i < t.size(); ++i) v.push_back(static_cast<double>(t.data()[i]));
    }
  }
};

template <class T, class S>
tensor<T, S> from_nchw(const io::safetensors& file, const std::string& name) {
  const auto v = file.at(name).as<T>();
  const auto& n = file.at(name).shape;
  auto t = tensor<T, S>::empty({n[0], n[2], n[3], n[1]});
  for (extent_t b = 0; b < n[0]; ++b)
    for (extent_t c = 0; c < n[1]; ++c)
      for (extent_t i = 0; i < n[2] * n[3]; ++i)
        t.data()[(b * n[2] * n[3] + i) * n[1] + c] = v[static_cast<std::size_t>((b * n[1] + c) * n[2] * n[3] + i)];
  return t;
}

template <class X>
void put_outputs(outcome& out, const std::string& group, const segmentation<X>& s) {
  tracer::put(out, group + "main", value(s.main));
  tracer::put(out, group + "edge", value(s.edge));
  for (std::size_t i = 0; i < 4; ++i) tracer::put(out, group + "level." + std::to_string(i), value(s.levels[i]));
}

template <class T>
outcome run(const io::safetensors& file) {
  outcome out;
  const auto head = std::make_unique<head_type>();
  initialize<T>(*head, 0);
  io::safetensors weights;
  for (const auto& [name, t] : file.tensors)
    if (name.rfind("weight/", 0) == 0) weights.tensors[name.substr(7)] = t;
  load_state_dict(*head, weights);
  const random_scope::off nothing_dropped;
  const auto target = from_nchw<T, shape<dyn<"roi">, base, base, 1>>(file, "input/masks");
  const auto crop = [&]<int Side>(std::integral_constant<int, Side>, const char* name) {
    return from_nchw<T, shape<dyn<"roi">, Side, Side, width>>(file, name);
  };
  const auto c2 = crop(std::integral_constant<int, base>{}, "input/crop.0");
  const auto c3 = crop(std::integral_constant<int, base / 2>{}, "input/crop.1");
  const auto c4 = crop(std::integral_constant<int, base / 4>{}, "input/crop.2");
  const auto c5 = crop(std::integral_constant<int, base / 8>{}, "input/crop.3");

  const auto logits = (*head)(std::tuple(c2, c3, c4, c5), true, tracer{&out});
  put_outputs(out, "head/", logits);
  tracer::put(out, "loss/total", models::dcsnet::total_loss(logits, target).total);

  const auto leaf = [](const auto& t) { return std::remove_cvref_t<decltype(var(t))>::leaf(t); };
  const auto leaves = std::tuple(leaf(c2), leaf(c3), leaf(c4), leaf(c5));
  const auto trained = (*head)(leaves, true);
  put_outputs(out, "train/", trained);
  const auto total = models::dcsnet::total_loss(trained, target).total;
  tracer::put(out, "train/total", total.value());
  const auto main = trained.main.value();
  tracer::put(out, "train/dice", eval(loss::dice(sigmoid(main), target)));
  tracer::put(out, "train/focal", eval(loss::focal(main, target)));
  tracer::put(out, "train/boundary", eval(loss::boundary(sigmoid(main), target)));
  tracer::put(out, "train/segmentation", eval(loss::segmentation(main, target)));
  backward(total);
  [&]<std::size_t... I>(std::index_sequence<I...>) { (tracer::put(out, "grad/crop." + std::to_string(I), std::get<I>(leaves).grad()), ...); }
  (std::make_index_sequence<4>{});
  for (const auto& entry : named_parameters(*head))
    if (entry.parameter->has_gradient()) {
      const auto v = to_stored_layout(entry.parameter->description().stored, static_cast<const T*>(entry.parameter->gradient().data()));
      out["grad/" + entry.name] = std::vector<double>(v.begin(), v.end());
    }
  for_each_parameter(*head, [&](const std::string& name, const parameter_base& p) {
    if (p.is_buffer()) out["stat/" + name] = std::vector<double>(p.data<T>(), p.data<T>() + p.size());
  });
  return out;
}

double norm(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x * x;
  return std::sqrt(s);
}

}  // namespace

TEST_CASE_TEMPLATE("the segmentation head equals PyTorch's: stages, losses, gradients and running statistics", T, double, float) {
  const auto file = test::goldens("head");
  const auto found = run<T>(file);
  // A bias before a batch norm has gradient 0 but for rounding, which is compared with 1e-6 of the largest gradient, and in f32 says nothing.
  std::map<std::string, double> largest;
  const auto group_of = [](const std::string& name) { return name.substr(0, name.find('/')); };
  for (const auto& [name, t] : file.tensors) largest[group_of(name)] = std::max(largest[group_of(name)], norm(t.template as<double>()));
  int compared = 0;
  for (const auto& entry : file.tensors) {
    const std::string& name = entry.first;
    const io::stored_tensor& t = entry.second;
    const std::string group = group_of(name);
    if (group == "weight" || group == "input") continue;
    CAPTURE(name);
    const auto wanted = t.as<double>();
    const auto it = found.find(name);
    REQUIRE(it != found.end());
    REQUIRE(it->second.size() == wanted.size());
    double difference = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) difference += (it->second[i] - wanted[i]) * (it->second[i] - wanted[i]);
    const double floor = 1e-6 * largest[group];
    if (sizeof(T) == 4 && group == "grad" && norm(wanted) < floor) continue;
    CHECK(std::sqrt(difference) / std::max(norm(wanted), floor) < (sizeof(T) == 8 ? 1e-6 : 1e-4));
    ++compared;
  }
  CHECK(compared == (sizeof(T) == 8 ? 244 : 224));  // f32: without 20 such biases
}
