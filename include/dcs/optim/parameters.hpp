// What optimisers share whatever their rule: the list of parameters that a step sees, the norm of all gradients in a fixed order of summation and the
// factor that clips them, and the loop over chunks that a rule's update is applied in. Norm and factor stay on the device.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/finite.hpp>
#include <dcs/cpu/math.hpp>
#include <dcs/nn/module.hpp>
#include <dcs/optim/groups.hpp>

DCS_EXACT_MATH
#define DCS_KERNELS <dcs/optim/parameters.inl>
#include <dcs/cpu/foreach_isa.inl>

namespace dcs {

/// A parameter as a step sees it: memory of `size` elements each, aligned to 16 bytes. G: type of the gradient. `moments`: what the rule keeps of
/// earlier gradients. `copy`, where there is one, receives the parameter in bf16. `condition`, where there is one, is a number that is 0 where the
/// parameter shall stay as it is.
template <class T, class G, int Moments>
struct optimizer_parameter {
  T* value;
  const G* gradient;
  T* moments[Moments];
  bf16* copy;
  std::int64_t size;
  const T* condition = nullptr;
  group_numbers group{};  // what its groups change of the numbers of a step

  /// Calls f with every address whose alignment matters to a GPU.
  template <class F>
  void for_each_address(const F& f) const {
    f(value), f(gradient), f(copy);
    for (const T* m : moments) f(m);
  }
};

/// A list of arrays cut into chunks, one for each block of a kernel, as tables in a GPU's memory (optim/parameters.cuh). The host knows of them
/// `sizes`, those of the arrays, and `listed`, the bytes at `rows`, which are never written over. Empty at first, and always on the host.
struct chunk_tables {
  storage rows, places;
  std::vector<std::int64_t> sizes;
  std::vector<std::byte> listed;
  bool made = false;
};

/// What steps keep between them, on the device. `result`: two doubles, the norm of all gradients and the factor that clips them. `numbers`, where it
/// is set: the rule's numbers that a GPU's moves go by, in its memory. Empty at first.
struct optimizer_memory {
  storage result, partial, numbers;
  chunk_tables tables;
};

/// The factor that brings gradients of norm `norm` to at most `clip_norm`, 1 where they are not clipped (torch.nn.utils.clip_grad_norm_).
inline double clip_factor(double norm, double clip_norm) { return clip_norm > 0 && norm > clip_norm ? clip_norm / (norm + 1e-6) : 1; }

namespace cpu {

/// The norm of all gradients together, in a fixed order of summation, and the clipping factor, into memory.result.
template <class T, class G, int Moments>
void measure_gradients(device, const std::vector<optimizer_parameter<T, G, Moments>>& parameters, double clip_norm, optimizer_memory& memory) {
  if (!memory.result) memory.result = storage::allocate<device>(2 * sizeof(double));
  double total = 0;
  for (const auto& p : parameters) {
    const std::int64_t grain = 1 << 16, chunks = (p.size + grain - 1) / grain;
    std::vector<double> part(static_cast<std::size_t>(chunks));
    parallel_for(chunks, [&](std::int64_t c) {
      part[static_cast<std::size_t>(c)] = DCS_DISPATCH(sum_of_squares, p.gradient + c * grain, std::min(p.size - c * grain, grain));
    });
    for (double s : part) total += s;
  }
  auto* result = static_cast<double*>(memory.result.data());
  result[0] = std::sqrt(total);
  result[1] = clip_factor(result[0], clip_norm);
}

#define DCS_MEASURE_GRADIENTS_ENTRIES(declare, T)                                                                                    \
  declare void measure_gradients(device, const std::vector<optimizer_parameter<compute_type<T>, T, 1>>&, double, optimizer_memory&); \
  declare void measure_gradients(device, const std::vector<optimizer_parameter<compute_type<T>, T, 2>>&, double, optimizer_memory&);
DCS_MAP_ENTRIES(DCS_MEASURE_GRADIENTS_ENTRIES)

/// update(parameter, begin, end, clipping factor) for parts of every parameter, by what was measured; nothing moves if the norm is not finite, nor
/// does a parameter whose condition is 0. Copies in bf16 follow.
template <class T, class G, int Moments, class Update>
void update_in_chunks(const std::vector<optimizer_parameter<T, G, Moments>>& parameters, const optimizer_memory& memory, const Update& update) {
  const auto* result = static_cast<const double*>(memory.result.data());
  if (!is_finite(result[0])) return;
  for (const auto& p : parameters) {
    if (p.condition && *p.condition == 0) continue;
    parallel_chunks(p.size, 1 << 15, [&](std::int64_t begin, std::int64_t end) {
      update(p, begin, end, static_cast<T>(result[1]));
      if (p.copy)
        for (std::int64_t i = begin; i < end; ++i) p.copy[i] = static_cast<bf16>(static_cast<float>(p.value[i]));
    });
  }
}

}  // namespace cpu
}  // namespace dcs

#include <dcs/core/header_end.inl>
