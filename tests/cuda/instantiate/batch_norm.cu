// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/batch_norm/cuda.cuh>

template <class T>
void instantiate(T* p, double* statistics, float* numbers) {
  using D = dcs::cuda::device;
  dcs::cuda::norm_statistics(D{}, p, p, p, 0.1, 1e-5, 1, 1, p, p, statistics, statistics, numbers, numbers);
  dcs::cuda::norm_inference(D{}, p, p, p, p, 1e-5, 1, p, p);
  dcs::cuda::norm_forward(D{}, p, numbers, numbers, p, true, p, 1, 1);
  dcs::cuda::norm_backward(D{}, p, p, p, p, statistics, statistics, 1, 1, p, p, p, p);
}
template void instantiate<float>(float*, double*, float*);
template void instantiate<dcs::bf16>(dcs::bf16*, double*, float*);
