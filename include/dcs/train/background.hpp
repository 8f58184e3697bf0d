// Work that starts before its result is needed.
#pragma once

#include <dcs/core/header_begin.inl>

#include <future>
#include <system_error>

DCS_EXACT_MATH
namespace dcs::detail {

/// Starts make(argument) on a thread of its own; the future has its result or exception. Where the system refuses to start a thread, it runs when the
/// result is requested, on the requesting thread.
template <class Make, class Argument>
auto start_making(const Make& make, const Argument& argument) {
  try {
    return std::async(std::launch::async, make, argument);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, make, argument);
  }
}

}  // namespace dcs::detail

#include <dcs/core/header_end.inl>
