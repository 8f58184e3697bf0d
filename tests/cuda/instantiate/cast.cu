// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/ops/cast/cuda.cuh>

void instantiate(float* wide, dcs::bf16* narrow, std::int64_t* whole, std::uint8_t* byte) {
  using D = dcs::cuda::device;
  dcs::cuda::convert(D{}, wide, 1, narrow);
  dcs::cuda::convert(D{}, narrow, 1, wide);
  dcs::cuda::convert(D{}, wide, 1, whole), dcs::cuda::convert(D{}, whole, 1, wide);
  dcs::cuda::convert(D{}, wide, 1, byte), dcs::cuda::convert(D{}, byte, 1, narrow), dcs::cuda::convert(D{}, whole, 1, byte);
}
