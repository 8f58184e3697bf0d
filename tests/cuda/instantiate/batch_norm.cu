// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/batch_norm/cuda.cuh>

// Running statistics are of the maps' type, or f32 beside maps in bf16.
template <class T, class R>
void statistics_of(T* p, R* running, double* statistics, float* numbers) {
  using D = dcs::cuda::device;
  dcs::cuda::norm_statistics(D{}, p, p, p, 0.1, 1e-5, 1, 1, running, running, statistics, statistics, numbers, numbers);
  dcs::cuda::norm_inference(D{}, p, p, running, running, 1e-5, 1, p, p);
}
template void statistics_of(float*, float*, double*, float*);
template void statistics_of(dcs::bf16*, dcs::bf16*, double*, float*);
template void statistics_of(dcs::bf16*, float*, double*, float*);

template <class T>
void instantiate(T* p, double* statistics, float* numbers) {
  using D = dcs::cuda::device;
  dcs::cuda::norm_forward(D{}, p, numbers, numbers, p, true, p, 1, 1);
  dcs::cuda::norm_backward(D{}, p, p, p, p, statistics, statistics, 1, 1, p, p, p, p);
}
template void instantiate<float>(float*, double*, float*);
template void instantiate<dcs::bf16>(dcs::bf16*, double*, float*);
