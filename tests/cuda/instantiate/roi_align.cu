// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/roi_align/cuda.cuh>

template <class T>
void instantiate(const std::vector<dcs::cpu::roi_map<T>>& maps, const float* rois, const std::vector<dcs::cpu::roi_crops<T>>& crops,
                 const std::vector<dcs::cpu::roi_crops<const T>>& dy) {
  using D = dcs::cuda::device;
  dcs::cuda::roi_align_forward(D{}, maps, 1, rois, nullptr, 1, 2, false, crops);
  dcs::cuda::roi_align_backward(D{}, maps, 1, rois, nullptr, 1, 2, false, dy);
}
template void instantiate(const std::vector<dcs::cpu::roi_map<float>>&, const float*, const std::vector<dcs::cpu::roi_crops<float>>&,
                          const std::vector<dcs::cpu::roi_crops<const float>>&);
template void instantiate(const std::vector<dcs::cpu::roi_map<dcs::bf16>>&, const float*, const std::vector<dcs::cpu::roi_crops<dcs::bf16>>&,
                          const std::vector<dcs::cpu::roi_crops<const dcs::bf16>>&);
