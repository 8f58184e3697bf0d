// A network's state dict: parameters and buffers under PyTorch's names and in PyTorch's layouts, so that a checkpoint moves between the two, and
// between devices: D is the device of the network, which no file depends on.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/io/safetensors.hpp>
#include <dcs/nn/module.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {

// Calls f(stored index, memory index) for every element of the stored array, with its index in the parameter's memory.
template <class F>
void for_stored(const parameter_layout& l, const F& f) {
  constexpr int most = parameter_layout::most;
  extent_t stride[most] = {}, n[most] = {1, 1, 1, 1, 1}, dense[most] = {}, step = 1;
  for (int i = l.rank - 1; i >= 0; --i) dense[i] = step, step *= l.extents[i];
  for (int i = 0; i < l.rank; ++i) n[i] = l.extents[l.order[i]], stride[i] = dense[l.order[i]];
  extent_t at = 0;
  for (extent_t a = 0; a < n[0]; ++a)
    for (extent_t b = 0; b < n[1]; ++b)
      for (extent_t c = 0; c < n[2]; ++c)
        for (extent_t d = 0; d < n[3]; ++d)
          for (extent_t e = 0; e < n[4]; ++e) f(at++, a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3] + e * stride[4]);
}

inline std::vector<std::int64_t> stored_shape(const parameter_layout& l) { return {l.stored, l.stored + l.stored_rank}; }

template <class T, class D>
void fill_parameter(parameter_base& p, const io::stored_tensor& t) {
  const auto values = t.as<T>();
  std::vector<T> host(std::is_same_v<D, cpu_device> ? 0 : values.size());
  T* to = host.empty() ? p.data<T>() : host.data();
  for_stored(p.description().stored, [&](extent_t from, extent_t at) { to[at] = values[static_cast<std::size_t>(from)]; });
  if (!host.empty()) D::copy_from_host(p.data<T>(), to, static_cast<std::int64_t>(host.size() * sizeof(T)));
}

inline std::string spelled_shape(const std::vector<std::int64_t>& s) {
  std::string text = "[";
  for (std::size_t i = 0; i < s.size(); ++i) text += (i ? ", " : "") + std::to_string(s[i]);
  return text + "]";
}

// Weights as a parameter of type T receives them: a number that T cannot hold is as wrong as one that is not finite.
template <class T>
void expect_usable(const std::string& name, const io::stored_tensor& t) {
  const std::string variance = "running_var";
  const bool from_zero = name.size() >= variance.size() && name.compare(name.size() - variance.size(), variance.size(), variance) == 0;
  for (T x : t.as<T>())
    expect(is_finite(x) && (!from_zero || x >= 0), "dcs::load: ", name, " contains ", x, "; expected finite numbers", from_zero ? " from 0" : "");
}

}  // namespace detail

/// A parameter-like array of the library in PyTorch's layout.
template <class T>
std::vector<T> to_stored_layout(const detail::parameter_layout& l, const T* memory) {
  extent_t n = 1;
  for (int i = 0; i < l.rank; ++i) n *= l.extents[i];
  std::vector<T> out(static_cast<std::size_t>(n));
  detail::for_stored(l, [&](extent_t at, extent_t from) { out[static_cast<std::size_t>(at)] = memory[from]; });
  return out;
}

/// Copies the tensors of `file` whose names begin with `prefix` into the network, which must have memory. Every parameter and buffer must be in the
/// file with its shape, unless `partial`; names the network does not have are errors, but for num_batches_tracked and those that `ignore` accepts.
/// Returns how many were set.
template <class D = cpu_device>
int load_parameters(const std::vector<named_parameter>& list, const io::safetensors& file, const std::string& prefix = "", bool partial = false,
                    bool (*ignore)(const std::string&) = nullptr) {
  int set = 0;
  std::map<std::string, bool> known;
  for (const auto& entry : list) {
    const std::string name = prefix + entry.name;
    known[name] = true;
    const auto it = file.tensors.find(name);
    if (it == file.tensors.end()) {
      expect(partial, "dcs::load: the file lacks ", name);
      continue;
    }
    const auto wanted = detail::stored_shape(entry.parameter->description().stored);
    expect(it->second.shape == wanted, "dcs::load: ", name, " has shape ", detail::spelled_shape(it->second.shape), "; expected ",
           detail::spelled_shape(wanted));
    expect(entry.parameter->memory().template on<D>(), "dcs::load: ", name, " does not lie on the device ", D::name);
    if (entry.parameter->type() == dtype::f64)
      detail::fill_parameter<double, D>(*entry.parameter, it->second);
    else
      detail::fill_parameter<float, D>(*entry.parameter, it->second);
    if (entry.parameter->half()) detail::copy_half<D>(*entry.parameter);
    ++set;
  }
  for (const auto& [name, t] : file.tensors) {
    if (name.rfind(prefix, 0) != 0 || known.count(name)) continue;
    const std::string tracked = ".num_batches_tracked";
    if (name.size() > tracked.size() && name.compare(name.size() - tracked.size(), tracked.size(), tracked) == 0) continue;
    expect(ignore && ignore(name), "dcs::load: the network has no ", name);
  }
  return set;
}
/// The same over all parameters and buffers of a network.
template <class D = cpu_device, class M>
int load_state_dict(M& net, const io::safetensors& file, const std::string& prefix = "", bool partial = false,
                    bool (*ignore)(const std::string&) = nullptr) {
  return load_parameters<D>(named_parameters(net), file, prefix, partial, ignore);
}

namespace detail {
template <class T, class D>
void save_parameter(const parameter_base& p, io::safetensors& file, const std::string& name) {
  const auto& l = p.description().stored;
  std::vector<T> host(std::is_same_v<D, cpu_device> ? 0 : static_cast<std::size_t>(p.size()));
  if (!host.empty()) D::copy_to_host(host.data(), p.data<T>(), static_cast<std::int64_t>(host.size() * sizeof(T)));
  file.put(name, stored_shape(l), to_stored_layout(l, host.empty() ? p.data<T>() : host.data()).data());
}
template <class D>
void save_list(const std::vector<named_parameter>& list, io::safetensors& file, const std::string& prefix) {
  for (const named_parameter& entry : list) {
    const parameter_base& p = *entry.parameter;
    expect(p.memory().template on<D>(), "dcs::save_state_dict: ", entry.name, " does not lie on the device ", D::name);
    if (p.type() == dtype::f64)
      save_parameter<double, D>(p, file, prefix + entry.name);
    else
      save_parameter<float, D>(p, file, prefix + entry.name);
  }
}
}  // namespace detail

/// Adds a network's parameters and buffers to `file`, names preceded by `prefix`.
template <class D = cpu_device, class M>
void save_state_dict(M& net, io::safetensors& file, const std::string& prefix = "") {
  detail::save_list<D>(named_parameters(net), file, prefix);
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
