// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/detect/regions.cuh>
#include <dcs/detect/targets.cuh>
#include <dcs/grad/accumulate.cuh>

namespace {
using device = dcs::cuda::device;
}  // namespace

template <class A>
void instantiate(const dcs::cuda::proposals_and_truth<A>& boxes, const dcs::cuda::anchor_grid<A>& anchors,
                 const dcs::var<A, dcs::shape<2, 4, 4, 12>, device>& map) {
  const auto anchor_sample = dcs::cuda::sample_anchors(device{}, dcs::rpn_options{}, 2, anchors, boxes.truth, {1, 1});
  (void)dcs::cuda::sample_proposals(device{}, dcs::box_head_options{}, 2, boxes, {1, 2});
  (void)dcs::cuda::regions(device{}, dcs::region_options{}, 2, 64, 64, boxes, {1, 3}, {1, 4});
  const auto y = dcs::cuda::gather_rows<4>(anchor_sample.where, map, map);
  dcs::backward(y, y.value());
}
template void instantiate<float>(const dcs::cuda::proposals_and_truth<float>&, const dcs::cuda::anchor_grid<float>&,
                                 const dcs::var<float, dcs::shape<2, 4, 4, 12>, device>&);
