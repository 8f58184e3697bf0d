// A deep network through nvcc's front end, which walks the source text of types as trees (core/operand.hpp): if the type of a map were written in
// terms of the maps before it, compilation would not end.
#include <dcs/models/dcsnet/dcsnet.hpp>

using images = dcs::shape<dcs::dyn<"batch">, dcs::dyn<"height">, dcs::dyn<"width">, 3>;
using net_type = dcs::dcsnet<dcs::resnet<50, dcs::nn::batch_norm>, dcs::models::dcsnet::dghc<32>, dcs::models::dcsnet::msfa<4, 8>, 32>;

template <class X>
void apply(const net_type& net, const X& x) {
  const auto rois = dcs::make_rois<dcs::dyn<"roi">, dcs::cpu_device>(std::vector<std::vector<dcs::box<float>>>{{{0, 0, 8, 8}}});
  const auto pyramid = net.detector.features(x);
  (void)net.detector.propose_levels(pyramid);
  (void)net.segment(pyramid, rois);
}
template void apply(const net_type&, const dcs::tensor<float, images>&);
template void apply(const net_type&, const dcs::var<float, images>&);
