// The network of number DCS_VARIANT of variants.hpp, its device and the type of its maps. On the host it has three units, so that none is large:
// a step of training is variant_train.cpp's, what runs it forward alone variant_forward.cpp's, the programs' work with it variant.cpp's.
#pragma once

#include "variants.hpp"

#if defined(__CUDACC__)
#include <dcs/cuda/graph.cuh>
#include <dcs/cuda/kernels.cuh>
#include <dcs/train/captured_trainer.hpp>
#endif
#include <dcs/train/loop.hpp>

namespace programs {

namespace {

template <int>
struct variant_at;
#define DCS_DECLARE(number, name, ...) \
  template <>                          \
  struct variant_at<number> {          \
    using type = __VA_ARGS__;          \
  };
DCS_VARIANT_LIST(DCS_DECLARE)
#undef DCS_DECLARE

using net_type = variant_at<DCS_VARIANT>::type;
#if defined(__CUDACC__)
using device = dcs::cuda::device;
#else
using device = dcs::cpu_device;
#endif
// Of the maps; parameters are f32.
#if defined(__CUDACC__) && defined(DCS_BF16)
using element = dcs::bf16;
#else
using element = float;
#endif

}  // namespace

/// Runs every layer once: one image of side × side, one box through the box head, one region.
template <class D, class T, class Net>
void run_layers(const Net& net, int side) {
  const auto images = dcs::tensor<T, dcs::image_shape, D>::zeros({1, side, side, 3});
  const std::vector<std::vector<dcs::box<float>>> boxes{{{0, 0, static_cast<float>(side) / 4, static_cast<float>(side) / 4}}};
  const auto pyramid = net.detector.features(images);
  (void)net.detector.propose_levels(pyramid);
  (void)net.detector.roi_heads(dcs::pool_boxes<decltype(net.detector)::box_type::side>(boxes, pyramid, side));
  (void)net.segment(pyramid, dcs::make_rois<dcs::dyn<"roi">, D>(boxes));
}

}  // namespace programs

// Beside the network in namespace dcs, hence outside of ours.
#define DCS_FORWARD_UNIT(declared)                                                                                                       \
  declared template dcs::step_losses dcs::validation_losses<programs::device, programs::element>(programs::net_type&, const dcs::batch&, \
                                                                                                 const dcs::step_options&);              \
  declared template std::vector<dcs::prediction> dcs::predict<programs::device, programs::element>(                                      \
      const programs::net_type&, const dcs::tensor<float, dcs::image_shape>&, const dcs::detector_options&,                              \
      const std::vector<std::vector<dcs::box<float>>>*);                                                                                 \
  declared template void programs::run_layers<programs::device, programs::element>(const programs::net_type&, int);
#define DCS_TRAIN_UNIT(declared)                                                           \
  declared template dcs::step_losses dcs::train_step<programs::device, programs::element>( \
      programs::net_type&, const dcs::batch&, const dcs::step_options&, dcs::random_stream, const std::vector<std::vector<dcs::box<float>>>*);
