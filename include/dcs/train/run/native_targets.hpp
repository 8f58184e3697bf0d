// Whether a run can learn from masks at their own size.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/printable.hpp>
#include <dcs/train/run/config.hpp>
#include <dcs/train/segmenter.hpp>

DCS_EXACT_MATH
namespace dcs {

/// Throws dcs::error where a configuration asks for native targets and the network, the device or another of its numbers does not have them.
template <class Net, class Device>
void expect_native_targets(const run_config& c) {
  if (!c.native_targets) return;
  expect(learns_native_targets<Net>, "native_targets: ", printable(c.net), " learns no regions, whose targets they would be");
  expect(std::is_same_v<Device, cpu_device>, "native_targets: a step on a GPU has arrays of fixed sizes; expected the CPU");
  expect(c.copy_paste == 0, "native_targets with copy_paste: a lesion is pasted into masks of the network's size; expected one of them");
}

}  // namespace dcs

#include <dcs/core/header_end.inl>
