// A checkpoint: the network's state dict, the optimiser's moments, and what a run must know to go on, in one safetensors file that PyTorch can read.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/nn/state_dict.hpp>
#include <dcs/optim/adamw.hpp>

DCS_EXACT_MATH
namespace dcs {

namespace detail {
inline bool is_optimizer_entry(const std::string& name) { return name.rfind("optimizer/", 0) == 0; }

// What is wrong with a file's contents is said with its name.
template <class F>
auto naming(const std::string& path, F&& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    fail(path, ": ", e.what());
  }
}
}  // namespace detail

/// Writes PATH (through a temporary file): weights under their names, optimiser state if given, metadata. The network lies on device D.
template <class D = cpu_device, module Net>
void save_checkpoint(const std::string& path, Net& net, const std::type_identity_t<basic_adamw<D>>* optimizer,
                     std::map<std::string, std::string> metadata) {
  io::safetensors file;
  file.metadata = std::move(metadata);
  save_state_dict<D>(net, file);
  if (optimizer) optimizer->save(file);
  io::write_safetensors(path, file);
}

/// Reads weights (and the optimiser's state if wanted) into a network that has memory on device D; returns the metadata.
template <class D = cpu_device, module Net>
std::map<std::string, std::string> load_checkpoint(const std::string& path, Net& net, std::type_identity_t<basic_adamw<D>>* optimizer = nullptr) {
  const auto file = io::read_safetensors(path);
  detail::naming(path, [&] {
    load_state_dict<D>(net, file, "", false, &detail::is_optimizer_entry);
    if (optimizer) optimizer->load(file);
  });
  return file.metadata;
}

/// ImageNet weights of a torchvision ResNet into the backbone; its classifier is passed over.
template <class Net>
int load_backbone(const std::string& path, Net& net) {
  const auto file = io::read_safetensors(path);
  return detail::naming(
      path, [&] { return load_state_dict(net.detector.body, file, "", false, [](const std::string& name) { return name.rfind("fc.", 0) == 0; }); });
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
