// Tests of kernels run under every instruction set that this machine has.
#pragma once

#include <dcs/cpu/isa.hpp>

#include <string>

#include <doctest/doctest.h>

namespace dcs::test {

/// Calls f under every instruction set of this machine, and goes back to the one there was, also where f throws.
template <class F>
void for_each_isa(const F& f) {
  const struct restore {
    cpu::isa before = cpu::current_isa();
    ~restore() { cpu::set_isa(before); }
  } after;
  for (const auto isa : cpu::every_isa) {
    if (!cpu::supports(isa)) continue;
    cpu::set_isa(isa);
    CAPTURE(std::string(cpu::name(isa)));
    f();
  }
}

}  // namespace dcs::test
