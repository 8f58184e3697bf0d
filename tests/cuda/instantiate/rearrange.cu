// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/rearrange/cuda.cuh>

template <class T>
void instantiate(T* p, const std::int64_t* n) {
  using D = dcs::cuda::device;
  dcs::cuda::copy_rows(D{}, p, 1, p, 1, 1, 1);
  dcs::cuda::copy_strided(D{}, p, p, n, n, 2);
}
template void instantiate<float>(float*, const std::int64_t*);
template void instantiate<dcs::bf16>(dcs::bf16*, const std::int64_t*);
