// A network's options of each kind that a configuration can hold.
#pragma once

#include <dcs/train/run/config.hpp>

namespace fuzz {

inline std::vector<dcs::network_option> options_of_each_kind() {
  return {{"deep", "", 0, 0, true},
          {"levels", "", 1, 9, std::int64_t{3}},
          {"weight", "", 0, 10, 0.5},
          {"sizes", "", 1, 1024, std::vector<double>{8, 16}}};
}

}  // namespace fuzz
