// train/run/state.hpp: the metadata of a checkpoint, as lines "KEY TEXT".
#include "target.hpp"

#include "options.hpp"

#include <dcs/train/run/state.hpp>

DCS_FUZZ_TARGET(checkpoint) {
  std::map<std::string, std::string> metadata;
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
    const std::size_t space = std::min(line.find(' '), line.size());
    metadata.emplace(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
  }
  dcs::run_config c;
  c.network = fuzz::options_of_each_kind();
  fuzz::accepts([&] {
    const dcs::run_state s = dcs::run_state::of(metadata, c, "fuzz");
    const dcs::run_state again = dcs::run_state::of(s.metadata(c), c, "again");
    fuzz::check(again.epochs == s.epochs && again.rate == s.rate && again.part.steps == s.part.steps && again.part.sums.terms == s.part.sums.terms,
                "a state reads back");
  });
  fuzz::accepts([&] { dcs::expect_same_config(metadata, "fuzz", c, "config"); });
}
