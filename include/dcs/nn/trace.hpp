// Values inside a network, given out by name while it runs. A network whose call takes a trace calls it with every value worth looking at:
//
//   trace("stage/enc", x, level);
//
// Tests compare these values with a reference's; without a trace the calls cost nothing.
#pragma once

#include <dcs/core/header_begin.inl>

#include <dcs/core/operand.hpp>

DCS_EXACT_MATH
namespace dcs {

/// The trace that keeps nothing.
struct no_trace {
  template <class X, class... Index>
  constexpr void operator()(const char*, const X&, Index...) const {}
};

}  // namespace dcs

#include <dcs/core/header_end.inl>
