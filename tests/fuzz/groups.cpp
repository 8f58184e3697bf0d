// data/groups.hpp: a table of groups.
#include "target.hpp"

#include <dcs/data/groups.hpp>

DCS_FUZZ_TARGET(groups) {
  static const fuzz::scratch_folder folder;
  const std::string path = folder.with("groups.csv", bytes);
  fuzz::accepts([&] { dcs::group_rule(path).of("a.png"); });
}
