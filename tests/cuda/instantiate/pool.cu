// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/pool/cuda.cuh>

template <class T>
void instantiate(const dcs::cpu::conv2d_geometry& g, T* p) {
  using D = dcs::cuda::device;
  dcs::cuda::max_pool_forward(D{}, g, p, p, p);
  dcs::cuda::max_pool_backward(D{}, g, p, p, p);
  dcs::cuda::avg_pool_forward(D{}, g, p, p);
  dcs::cuda::avg_pool_backward(D{}, g, p, p);
}
template void instantiate<float>(const dcs::cpu::conv2d_geometry&, float*);
template void instantiate<dcs::bf16>(const dcs::cpu::conv2d_geometry&, dcs::bf16*);
