// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/cublas.cuh>
#include <dcs/ops/conv2d/cudnn.cuh>
#include <dcs/ops/conv_transpose2d/cuda.cuh>

template <class T>
void instantiate(T* p, const dcs::cpu::conv2d_geometry& g) {
  using D = dcs::cuda::device;
  dcs::cuda::conv2d_forward<T>(D{}, g, p, p, dcs::cpu::epilogue<T>{p, p, p, 1, true}, p);
  dcs::cuda::conv2d_data_gradient<T>(D{}, g, p, p, p);
  dcs::cuda::conv2d_weight_gradient<T>(D{}, g, p, p, p);
  dcs::cuda::conv_transpose2d_forward<T>(D{}, g, p, p, p, p);
  dcs::cuda::relu_gradient<T>(D{}, p, p, p, 1);
  dcs::cuda::sum_rows<T>(D{}, p, 1, 1, p);
  dcs::cuda::gemm<T>(D{}, 2, 3, 4, 5, dcs::cpu::matrix<T>{p, 5}, dcs::cpu::matrix<T>{p, 4}, p);
}
template void instantiate<float>(float*, const dcs::cpu::conv2d_geometry&);
template void instantiate<dcs::bf16>(dcs::bf16*, const dcs::cpu::conv2d_geometry&);
