// What a network's counts are compared with: its learned values, counted one by one.
#pragma once

#include <dcs/nn/module.hpp>

namespace network_test {

template <class Net>
dcs::extent_t counted_values(const Net& net) {
  dcs::extent_t count = 0;
  dcs::for_each_parameter(net, [&](const std::string&, const dcs::parameter_base& p) { count += p.is_buffer() ? 0 : p.size(); });
  return count;
}

}  // namespace network_test
