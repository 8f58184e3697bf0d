// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/dropout/cuda.cuh>

template <class T>
void instantiate(T* p) {
  dcs::cuda::dropout_apply(dcs::cuda::device{}, p, p, 1, 1, 1, false, 0.5, dcs::random_stream{});
}
template void instantiate<float>(float*);
template void instantiate<dcs::bf16>(dcs::bf16*);
