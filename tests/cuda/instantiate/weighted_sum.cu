// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/weighted_sum/cuda.cuh>

template <class T>
void instantiate(T* p, T* const* maps) {
  using D = dcs::cuda::device;
  dcs::cuda::weighted_sum_forward<4>(D{}, p, maps, p, 1, 1);
  dcs::cuda::weighted_sum_backward<4>(D{}, p, maps, p, p, maps, 1, 1);
}
template void instantiate<float>(float*, float* const*);
template void instantiate<dcs::bf16>(dcs::bf16*, dcs::bf16* const*);
