// DCS_NETWORK(name, type) of network.hpp: what each part of a network's translation unit instantiates, and under which name the network registers
// itself.
#pragma once

#ifndef DCS_NETWORK_PART
#define DCS_NETWORK_PART 0  // the session
#endif

#define DCS_TRAINING_PART(declared, ...)                                                                                                             \
  declared template dcs::step_losses dcs::train_step<programs::placement, __VA_ARGS__>(__VA_ARGS__&, const dcs::batch&, const __VA_ARGS__::options&, \
                                                                                       dcs::random_stream, double);
#define DCS_FORWARD_PART(declared, ...)                                                                                              \
  declared template std::pair<dcs::step_losses, std::vector<dcs::prediction>> dcs::validate_batch<programs::placement, __VA_ARGS__>( \
      const __VA_ARGS__&, const dcs::batch&, const __VA_ARGS__::options&);                                                           \
  declared template std::vector<dcs::prediction> dcs::predict<programs::placement, __VA_ARGS__>(                                     \
      const __VA_ARGS__&, const dcs::tensor<float, dcs::image_shape>&, const __VA_ARGS__::options&);                                 \
  declared template struct programs::prediction_in_boxes<__VA_ARGS__>;

// A name for --net and --resume, and the network's type.
#if defined(__CUDACC__)
#define DCS_NETWORK(name, ...) DCS_REGISTER_NETWORK(name, __VA_ARGS__)
#elif DCS_NETWORK_PART == 0
#define DCS_NETWORK(name, ...)                \
  using dcs_network_type = __VA_ARGS__;       \
  DCS_TRAINING_PART(extern, dcs_network_type) \
  DCS_FORWARD_PART(extern, dcs_network_type)  \
  DCS_REGISTER_NETWORK(name, dcs_network_type)
#elif DCS_NETWORK_PART == 1
#define DCS_NETWORK(name, ...)          \
  using dcs_network_type = __VA_ARGS__; \
  DCS_TRAINING_PART(, dcs_network_type)
#elif DCS_NETWORK_PART == 2
#define DCS_NETWORK(name, ...)          \
  using dcs_network_type = __VA_ARGS__; \
  DCS_FORWARD_PART(, dcs_network_type)
#else
#include <dcs/onnx/dcsnet.hpp>
#include <dcs/onnx/mask_rcnn.hpp>
#define DCS_NETWORK(name, ...)                                                                                                                      \
  using dcs_network_type = __VA_ARGS__;                                                                                                             \
  static const bool dcs_export_set = [] {                                                                                                           \
    programs::exporter<dcs_network_type> = [](const std::string& path, const dcs_network_type& net, const dcs_network_type::options& o, int side) { \
      dcs::onnx::save_prediction(path, net, o, side, side);                                                                                         \
    };                                                                                                                                              \
    return true;                                                                                                                                    \
  }();
#endif
#define DCS_REGISTER_NETWORK(name, ...)                             \
  static const programs::registered_network dcs_registered_network{ \
      name, programs::device_name,                                  \
      [] { return std::unique_ptr<programs::session>(std::make_unique<programs::network_session<__VA_ARGS__, programs::placement>>()); }};
