// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/detect/rpn.cuh>

template <class T>
void instantiate(const std::vector<dcs::cuda::proposal_level<T>>& levels, float* boxes, std::int32_t* counts) {
  dcs::cuda::propose(dcs::cuda::device{}, dcs::rpn_options{}, true, 1, 256, 256, levels, boxes, counts);
}
template void instantiate(const std::vector<dcs::cuda::proposal_level<float>>&, float*, std::int32_t*);
template void instantiate(const std::vector<dcs::cuda::proposal_level<dcs::bf16>>&, float*, std::int32_t*);
