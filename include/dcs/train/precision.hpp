// The device that a network runs on and the element type of its maps, as one argument of everything that trains or predicts.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/dtype.hpp>
#include <dcs/core/storage.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Device: cpu_device, or one of cuda/device.hpp. Element: of maps and matrix products, float, double or bf16. Parameters, statistics, losses and the
/// optimiser compute in `compute`: float for bf16. A network whose maps are bf16 has been told so by mix_precision<Device>(net) (nn/module.hpp).
template <class Device = cpu_device, class Element = float>
struct precision {
  using device = Device;
  using element = Element;
  using compute = compute_type<Element>;
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
