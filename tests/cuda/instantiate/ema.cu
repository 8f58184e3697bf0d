// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/optim/ema.cuh>

template <class T>
void instantiate(const std::vector<dcs::average_row<T>>& rows, dcs::chunk_tables& tables) {
  dcs::cuda::update_averages(dcs::cuda::device{}, rows, 0.001, tables);
}
template void instantiate(const std::vector<dcs::average_row<float>>&, dcs::chunk_tables&);
template void instantiate(const std::vector<dcs::average_row<double>>&, dcs::chunk_tables&);
