// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/optim/adamw.cuh>

template <class T, class G>
void instantiate(const std::vector<dcs::adamw_parameter<T, G>>& parameters, const dcs::adamw_numbers& numbers, dcs::optimizer_memory& memory) {
  using D = dcs::cuda::device;
  dcs::cuda::measure_gradients(D{}, parameters, 1.0, memory);
  dcs::cuda::move_parameters(D{}, parameters, numbers, memory);
}
template void instantiate(const std::vector<dcs::adamw_parameter<float, float>>&, const dcs::adamw_numbers&, dcs::optimizer_memory&);
template void instantiate(const std::vector<dcs::adamw_parameter<float, dcs::bf16>>&, const dcs::adamw_numbers&, dcs::optimizer_memory&);
template void instantiate(const std::vector<dcs::adamw_parameter<double, double>>&, const dcs::adamw_numbers&, dcs::optimizer_memory&);
