// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/softmax/cuda.cuh>

template <class T>
void instantiate(T* p) {
  using D = dcs::cuda::device;
  dcs::cuda::softmax_forward(D{}, p, p, 1, 1, 1);
  dcs::cuda::softmax_backward(D{}, p, p, p, 1, 1, 1);
}
template void instantiate<float>(float*);
template void instantiate<dcs::bf16>(dcs::bf16*);
