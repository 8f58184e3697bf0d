// Every kernel's time and floor, one line each; bench/gpu.sh sets PyTorch's beside them.
#include "measure.cuh"

int main() {
  try {
    gpu_bench::meter m;
    gpu_bench::map_cases(m);
    gpu_bench::attention_cases(m);
    gpu_bench::pointwise_cases(m);
    gpu_bench::window_cases(m);
    gpu_bench::move_cases(m);
    gpu_bench::loss_cases(m);
    gpu_bench::proposal_cases(m);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
