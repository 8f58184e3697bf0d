// Equations 8 and 9 of the paper for two maps, and similar equations: tests check which of them run as one kernel, on the host and on a device. x, y:
// logits of two channels; p, q: maps.
#pragma once

#include <dcs/ops/rearrange/rearrange.hpp>
#include <dcs/ops/weighted_sum/weighted_sum.hpp>

namespace weighted_equations {

using namespace dcs;

inline constexpr auto equation = [](const auto& x, const auto&, const auto& p, const auto& q) {
  const auto w = softmax<channel>(x);
  return slice<channel, 0>(w) * p + slice<channel, 1>(w) * q;
};
inline constexpr auto turned = [](const auto& x, const auto&, const auto& p, const auto& q) {
  const auto w = softmax<channel>(x);
  return slice<channel, 1>(w) * p + q * slice<channel, 0>(w);
};
/// No weighted sum: two softmaxes.
inline constexpr auto mixed = [](const auto& x, const auto& y, const auto& p, const auto& q) {
  return slice<channel, 0>(softmax<channel>(x)) * p + slice<channel, 1>(softmax<channel>(y)) * q;
};
/// No weighted sum: one index twice.
inline constexpr auto repeated = [](const auto& x, const auto&, const auto& p, const auto& q) {
  const auto w = softmax<channel>(x);
  return slice<channel, 1>(w) * p + slice<channel, 1>(w) * q;
};

}  // namespace weighted_equations
