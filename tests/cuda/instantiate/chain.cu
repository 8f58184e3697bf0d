// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/grad/accumulate.cuh>

template <class T>
void instantiate(T* p) {
  using D = dcs::cuda::device;
  using namespace dcs::expr;
  using dcs::functions::add, dcs::functions::mul, dcs::functions::relu;
  using scale_shift_relu = call<relu, call<add, call<mul, leaf<0>, leaf<1>>, leaf<2>>>;  // what a frozen norm leaves
  chain_arguments<T, 3> a;
  dcs::cuda::chain_forward<scale_shift_relu>(D{}, a);
  dcs::cuda::chain_backward<scale_shift_relu>(D{}, a, p, &p);
  const std::int64_t n[2] = {1, 1};
  dcs::cuda::sum_to(D{}, p, 1, p, n, 2, n);
  dcs::cuda::add_into(D{}, p, p, 1);
  D::fill(p, T(1.0f), 1);
}
template void instantiate<float>(float*);
template void instantiate<dcs::bf16>(dcs::bf16*);
