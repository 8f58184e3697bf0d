// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/resize/cuda.cuh>

template <class T>
void instantiate(const dcs::resize_geometry& g, T* p) {
  using D = dcs::cuda::device;
  dcs::cuda::resize_forward(D{}, g, p, p);
  dcs::cuda::resize_backward(D{}, g, p, p);
}
template void instantiate<float>(const dcs::resize_geometry&, float*);
template void instantiate<dcs::bf16>(const dcs::resize_geometry&, dcs::bf16*);
