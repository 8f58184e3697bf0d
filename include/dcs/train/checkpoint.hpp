// A checkpoint: the network's state dict, the optimiser's moments, averaged weights, and what a run must know to go on, in one safetensors file that
// PyTorch can read. Its metadata says too what wrote it: format_version, and instruction_set, as another one rounds otherwise. What is read is
// checked: a weight that is not a finite number is an error with its name, not a network that finds nothing.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/core/parse.hpp>
#include <dcs/core/printable.hpp>
#include <dcs/cpu/isa.hpp>
#include <dcs/nn/state_dict.hpp>
#include <dcs/optim/ema.hpp>
#include <dcs/optim/optimizer.hpp>

#include <cmath>

DCS_EXACT_MATH
namespace dcs {

/// The version of checkpoints that is written, and the only one that is read. Of files without a version (those of PyTorch, say) only weights are
/// read.
inline constexpr std::int64_t checkpoint_version = 1;

/// A checkpoint of another version than checkpoint_version.
class checkpoint_version_error : public error {
 public:
  using error::error;
};

/// The instruction set of kernels on device D: avx512, avx2 or portable on the host, the device's name elsewhere. The same run on another instruction
/// set has results of the same accuracy, but other bits.
template <class D = cpu_device>
std::string instruction_set() {
  if constexpr (std::is_same_v<D, cpu_device>)
    return cpu::name(cpu::current_isa());
  else
    return D::name;
}

namespace detail {
inline bool is_beside_weights(const std::string& name) { return name.rfind("optimizer/", 0) == 0 || name.rfind(ema::prefix, 0) == 0; }
// Calls f with what a pointer points to; does nothing for nullptr.
template <class P, class F>
void with_part(P part, const F& f) {
  if constexpr (!std::is_null_pointer_v<P>)
    if (part) f(*part);
}

// Adds the file's name to errors about its contents.
template <class F>
auto naming(const std::string& path, F&& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    fail(path, ": ", e.what());
  }
}

// Throws where a number of an array is not finite: no reader would take the file.
inline void expect_finite(const std::string& path, const std::string& name, const io::stored_tensor& t) {
  for (const double x : t.as<double>()) expect(is_finite(x), path, " is not written: ", name, " contains ", x);
}
template <class M>
void expect_usable_weights(M& net, const io::safetensors& file, const std::string& prefix = "") {
  for (const auto& entry : named_parameters(net)) {
    const auto it = file.tensors.find(prefix + entry.name);
    if (it == file.tensors.end()) continue;
    entry.parameter->type() == dtype::f64 ? expect_usable<double>(it->first, it->second) : expect_usable<float>(it->first, it->second);
  }
}

inline void expect_version(const std::string& path, const io::safetensors& file, bool required) {
  const auto it = file.metadata.find("format_version");
  if (it == file.metadata.end()) {
    if (required)
      throw checkpoint_version_error(path +
                                     ": its metadata lacks format_version, so an earlier version or another program wrote it: its weights can be "
                                     "used, but training cannot go on from it");
    return;
  }
  if (parse_whole(it->second) != checkpoint_version)
    throw checkpoint_version_error(path + ": format_version is " + printable(it->second) + "; expected " + std::to_string(checkpoint_version));
}
}  // namespace detail

/// Writes PATH (through a temporary file): weights under their names, the state of an optimiser and of averaged weights where these are not null, and
/// metadata, to which format_version and instruction_set are added. The network lies on device D. `optimizer` is a pointer to any optimiser or
/// nullptr, `average` one to a basic_ema or nullptr. Throws dcs::error, naming the array, where a number is not finite, and writes nothing.
template <class D = cpu_device, module Net, class Optimizer, class Average = std::nullptr_t>
void save_checkpoint(const std::string& path, Net& net, Optimizer optimizer, std::map<std::string, std::string> metadata, Average average = nullptr) {
  io::safetensors file;
  file.metadata = std::move(metadata);
  file.metadata["format_version"] = std::to_string(checkpoint_version);
  file.metadata["instruction_set"] = instruction_set<D>();
  save_state_dict<D>(net, file);
  const auto save = [&](const auto& part) { part.save(file); };
  detail::with_part(optimizer, save), detail::with_part(average, save);
  for (const auto& [name, t] : file.tensors) detail::expect_finite(path, name, t);
  io::write_safetensors(path, file);
}

/// Reads weights (and what the optimiser and the averaged weights were, where these are not null) into a network that has memory on device D; returns
/// the metadata. Throws dcs::error, naming file and tensor, where something is missing or unknown, has another shape, or is not a finite number;
/// checkpoint_version_error where the file is of another version, or of none and a run is to go on from it. After an error the network's weights may
/// be partly read.
template <class D = cpu_device, module Net, class Optimizer = std::nullptr_t, class Average = std::nullptr_t>
std::map<std::string, std::string> load_checkpoint(const std::string& path, Net& net, Optimizer optimizer = nullptr, Average average = nullptr) {
  const auto file = io::read_safetensors(path);
  detail::expect_version(path, file, optimizer != nullptr || average != nullptr);
  detail::naming(path, [&] {
    detail::expect_usable_weights(net, file);
    load_state_dict<D>(net, file, "", false, &detail::is_beside_weights);
    const auto load = [&](auto& part) { part.load(file); };
    detail::with_part(optimizer, load), detail::with_part(average, load);
  });
  return file.metadata;
}

/// Reads the averaged weights of a checkpoint in the place of the weights, to evaluate them. Errors are those of load_checkpoint; one without
/// averaged weights is a dcs::error that says so.
template <class D = cpu_device, module Net>
std::map<std::string, std::string> load_averaged(const std::string& path, Net& net) {
  const auto file = io::read_safetensors(path);
  detail::expect_version(path, file, false);
  expect(file.metadata.count("ema_updates") != 0, path, ": there are no averaged weights in it; it was trained without");
  detail::naming(path, [&] {
    detail::expect_usable_weights(net, file, ema::prefix);
    load_state_dict<D>(net, file, ema::prefix);
  });
  return file.metadata;
}

/// A network with an encoder that weights of its own may be loaded into before training: `encoder()`.
template <class Net>
concept has_encoder = requires(Net& net) {
  net.encoder();
};

/// Weights of an encoder, as ImageNet's of a torchvision ResNet, into a network; a classifier (fc.) is ignored. Returns the number of arrays that
/// were loaded. Throws as load_checkpoint does, and for a network that has no encoder.
template <class Net>
int load_encoder(const std::string& path, Net& net) {
  if constexpr (has_encoder<Net>) {
    const auto file = io::read_safetensors(path);
    return detail::naming(path, [&] {
      detail::expect_usable_weights(net.encoder(), file);
      return load_state_dict(net.encoder(), file, "", false, [](const std::string& name) { return name.rfind("fc.", 0) == 0; });
    });
  } else {
    fail(path, ": this network has no encoder with weights of its own");
  }
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
