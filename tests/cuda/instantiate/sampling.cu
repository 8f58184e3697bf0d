// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/detect/targets.cuh>
#include <dcs/grad/accumulate.cuh>
#include <dcs/models/dcsnet/regions.cuh>

namespace {
using device = dcs::cuda::device;
template <class T, int Channels>
using map = dcs::var<T, dcs::shape<2, 4, 4, Channels>, device>;

// Objectness and deltas of the anchors that the device chose, as fixed_detector_losses gathers them.
template <int Width, class T, class S>
void gathered(const dcs::cuda::device_rows& where, const dcs::var<T, S, device>& map) {
  const auto y = dcs::cuda::gather_rows<Width>(where, map, map);
  dcs::backward(y, y.value());
}
}  // namespace

// Boxes are f32 whatever the maps are.
void instantiate(const dcs::cuda::proposals_and_truth<float>& boxes, const dcs::cuda::anchor_grid<float>& anchors, const map<float, 3>& logits,
                 const map<float, 12>& deltas, const map<dcs::bf16, 3>& narrow_logits, const map<dcs::bf16, 12>& narrow_deltas) {
  const auto sample = dcs::cuda::sample_anchors(device{}, dcs::rpn_options{}, 2, anchors, boxes.truth, {1, 1});
  (void)dcs::cuda::sample_proposals(device{}, dcs::box_head_options{}, 2, boxes, {1, 2});
  (void)dcs::models::dcsnet::regions(device{}, dcs::models::dcsnet::region_options{}, 2, 64, 64, boxes, {1, 3}, {1, 4});
  gathered<1>(sample.where, logits);
  gathered<4>(sample.where, deltas);
  gathered<1>(sample.where, narrow_logits);
  gathered<4>(sample.where, narrow_deltas);
}
