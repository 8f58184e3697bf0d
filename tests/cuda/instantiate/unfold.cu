// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/unfold/cuda.cuh>

template <class T>
void instantiate(const dcs::unfold_geometry& g, T* p) {
  using D = dcs::cuda::device;
  dcs::cuda::unfold(D{}, g, static_cast<const T*>(p), p);
  dcs::cuda::fold(D{}, g, static_cast<const T*>(p), static_cast<const T*>(p), p);
}
template void instantiate<float>(const dcs::unfold_geometry&, float*);
template void instantiate<dcs::bf16>(const dcs::unfold_geometry&, dcs::bf16*);
