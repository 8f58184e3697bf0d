// What a network makes of the weights and inputs of a file of goldens, entry by entry, and how far that is from what the file has.
#pragma once

#include <dcs/data/batch.hpp>
#include <dcs/grad/var.hpp>
#include <dcs/io/safetensors.hpp>
#include <dcs/nn/state_dict.hpp>

#include <map>

namespace compare {

using namespace dcs;

/// Values by name, in PyTorch's layout.
using outcome = std::map<std::string, std::vector<double>>;

template <class T, class S>
void put(outcome& out, const std::string& name, const tensor<T, S>& t) {
  std::vector<double> v;
  const auto& n = t.sizes();
  if constexpr (S::rank == 4) {
    for (extent_t b = 0; b < n[0]; ++b)
      for (extent_t c = 0; c < n[3]; ++c)
        for (extent_t i = 0; i < n[1] * n[2]; ++i) v.push_back(static_cast<double>(t.data()[(b * n[1] * n[2] + i) * n[3] + c]));
  } else {
    for (extent_t i = 0; i < t.size(); ++i) v.push_back(static_cast<double>(t.data()[i]));
  }
  out[name] = std::move(v);
}

template <class T>
void put_boxes(outcome& out, const std::string& name, const std::vector<box<T>>& boxes) {
  auto& v = out[name];
  for (const auto& b : boxes)
    for (T x : {b.x1, b.y1, b.x2, b.y2}) v.push_back(static_cast<double>(x));
}

template <class T, class Net>
void put_gradients(outcome& out, const std::string& group, Net& net) {
  for (const auto& entry : named_parameters(net)) {
    if (!entry.parameter->has_gradient()) continue;
    const auto v = to_stored_layout(entry.parameter->description().stored, static_cast<const T*>(entry.parameter->gradient().data()));
    out[group + entry.name] = std::vector<double>(v.begin(), v.end());
  }
}

template <class T, class S>
tensor<T, S> from_nchw(const io::stored_tensor& stored) {
  const auto v = stored.as<T>();
  const auto& n = stored.shape;
  auto t = tensor<T, S>::empty({n[0], n[2], n[3], n[1]});
  for (extent_t b = 0; b < n[0]; ++b)
    for (extent_t c = 0; c < n[1]; ++c)
      for (extent_t i = 0; i < n[2] * n[3]; ++i)
        t.data()[(b * n[2] * n[3] + i) * n[1] + c] = v[static_cast<std::size_t>((b * n[1] + c) * n[2] * n[3] + i)];
  return t;
}

/// The weights of a file into a network.
template <class Net>
void load_weights(Net& net, const io::safetensors& file) {
  io::safetensors weights;
  for (const auto& [name, t] : file.tensors)
    if (name.rfind("weight/", 0) == 0) weights.tensors[name.substr(7)] = t;
  load_state_dict(net, weights);
}

/// Running statistics, as after/NAME.
template <class T, class Net>
void put_buffers(outcome& out, Net& net) {
  for (const auto& [name, p] : named_parameters(net)) {
    if (!p->is_buffer()) continue;
    const auto v = to_stored_layout(p->description().stored, p->template data<T>());
    out["after/" + name] = std::vector<double>(v.begin(), v.end());
  }
}

/// One compiled network: what a file's metadata must say, and how to run it in f64 and f32. A key that the file lacks counts as False.
struct variant {
  std::map<std::string, std::string> metadata;
  outcome (*in_double)(const io::safetensors&);
  outcome (*in_float)(const io::safetensors&);
};

/// An entry of a file against what dcs has for it.
struct comparison {
  std::string name;
  double f64, f32, bound;  // NaN: dcs has nothing to compare; bound: of the f32
  bool gradient, printed_only;
  bool over() const { return !printed_only && !(f32 <= bound); }  // a gradient may be, within limits
  bool failed() const { return !(f64 <= 1e-6) || (!printed_only && !(f32 <= (gradient ? 1e-2 : bound))); }
};

inline double norm(const std::vector<double>& v) {
  double s = 0;
  for (double x : v) s += x * x;
  return std::sqrt(s);
}

/// The norm of the difference over the larger of the entry's norm and `floor`; absolutely where the true value is 0, which f64 leaves as rounding.
inline double error_of(const outcome& ours, const std::string& name, const std::vector<double>& wanted, double floor) {
  const auto it = ours.find(name);
  if (it == ours.end()) return NAN;
  if (it->second.size() != wanted.size()) return HUGE_VAL;
  double s = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) s += (it->second[i] - wanted[i]) * (it->second[i] - wanted[i]);
  const double size = norm(wanted), scale = size < 1e-12 ? 1 : std::max(size, floor);
  return std::isfinite(s) ? std::sqrt(s) / scale : HUGE_VAL;
}

inline std::string group_of(const std::string& name) { return name.substr(0, name.find('/')); }

/// Every entry of a file but weights, inputs and PyTorch's own errors.
inline std::vector<comparison> compare_entries(const io::safetensors& file, const outcome& in_double, const outcome& in_float) {
  std::map<std::string, double> largest;
  std::map<std::string, std::vector<double>> wanted;
  for (const auto& [name, t] : file.tensors) {
    const std::string group = group_of(name);
    if (group == "weight" || group == "input" || group == "f32_error") continue;
    wanted[name] = t.as<double>();
    largest[group] = std::max(largest[group], norm(wanted[name]));
  }
  std::vector<comparison> out;
  for (const auto& [name, v] : wanted) {
    const std::string group = group_of(name);
    const double floor = 1e-6 * largest[group];
    comparison c{name, error_of(in_double, name, v, floor), error_of(in_float, name, v, floor), 1e-4, false, false};
    c.gradient = group == "grad" || group == "grad.detector";
    c.printed_only = group == "detections" || name.find("proposals") != std::string::npos;
    if (c.gradient && norm(v) >= 1e-12 && file.contains("f32_error/" + name))
      c.bound = std::max(c.bound, 3 * file.at("f32_error/" + name).as<double>()[0]);
    out.push_back(c);
  }
  return out;
}

}  // namespace compare
