// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/nms/cuda.cuh>

template <class T>
void instantiate(const T* boxes, const T* scores, const std::int64_t* group, std::int64_t* kept) {
  dcs::cuda::nms(dcs::cuda::device{}, boxes, scores, 1, 0.5, group, kept, kept);
}
template void instantiate(const float*, const float*, const std::int64_t*, std::int64_t*);
template void instantiate(const dcs::bf16*, const dcs::bf16*, const std::int64_t*, std::int64_t*);
