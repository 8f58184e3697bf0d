// Compiled for every architecture; bench/ptxas.sh reads the registers of its kernels. Not run.
#include <dcs/cuda/device.cuh>
#include <dcs/expr/chain.cuh>
#include <dcs/grad/accumulate.cuh>
#include <dcs/loss/classes.cuh>
#include <dcs/loss/detection.cuh>
#include <dcs/loss/segmentation.hpp>
#include <dcs/ops/gather/cuda.cuh>
#include <dcs/ops/laplacian_edges/cuda.cuh>

namespace {
using device = dcs::cuda::device;
using map = dcs::shape<dcs::dyn<"roi">, 64, 64, 1>;
using deltas = dcs::shape<dcs::dyn<"sample">, 4>;
template <class T, class S>
using leaf = dcs::var<T, S, device>;
}  // namespace

template <class T>
void instantiate(T* p, const std::int32_t* labels, const std::vector<dcs::level_row>& where, const leaf<T, map>& x, const leaf<T, deltas>& d) {
  using D = device;
  dcs::cuda::cross_entropy_forward(D{}, p, labels, 1, 1, p);
  dcs::cuda::cross_entropy_backward(D{}, p, labels, p, 1, 1, p);
  dcs::cuda::class_cross_entropy_forward(D{}, p, p, 1, 1, p);
  dcs::cuda::class_cross_entropy_backward(D{}, p, p, p, 1, 1, p);
  dcs::cuda::one_hot_forward(D{}, p, 1, 1, p);
  dcs::cuda::laplacian_edges_forward(D{}, p, 1, 1, 1, p);
  dcs::cuda::gather_rows_forward(D{}, where, std::vector<const T*>{p}, 4, p);
  dcs::cuda::gather_rows_backward(D{}, where, p, std::vector<T*>{p}, 4);
  using namespace dcs;
  backward(loss::focal(x, x.value()));
  backward(loss::edge(x, x.value()));
  backward(loss::dice(sigmoid(x), x.value()));
  backward(loss::smooth_l1_sum(d, d.value()));
}
template void instantiate<float>(float*, const std::int32_t*, const std::vector<dcs::level_row>&, const leaf<float, map>&,
                                 const leaf<float, deltas>&);
template void instantiate<dcs::bf16>(dcs::bf16*, const std::int32_t*, const std::vector<dcs::level_row>&, const leaf<dcs::bf16, map>&,
                                     const leaf<dcs::bf16, deltas>&);
