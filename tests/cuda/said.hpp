// The host's error message for a kernel that is written as a function of its block.
#pragma once

#include <dcs/cuda/device.hpp>

#include <doctest/doctest.h>

#include <string>

namespace kernel_test {

inline bool says(const std::string& verdict, const char* words) { return verdict.find(words) != std::string::npos; }

template <class Body>
struct kernel_of_body {
  static constexpr const char* name = "body";
  static constexpr int threads = 64;
  Body body;
  std::int64_t blocks() const { return 2; }
  static constexpr std::int64_t shared_bytes() { return 1024; }
  template <class Block>
  DCS_DEVICE void operator()(Block& b) const {
    body(b);
  }
};
/// The message for two blocks of 64 threads; "" without an error.
template <class Body>
std::string said_of(const Body& body) {
  try {
    dcs::cuda::emulate(kernel_of_body<Body>{body});
  } catch (const dcs::error& e) {
    return e.what();
  }
  return "";
}

}  // namespace kernel_test
