// train/run/config.hpp: a configuration that is read is the same after it was written.
#include "target.hpp"

#include "options.hpp"

DCS_FUZZ_TARGET(config) {
  fuzz::accepts([&] {
    const dcs::run_config c = dcs::config_of(dcs::parse_json(std::string(bytes), "fuzz"), "fuzz", fuzz::options_of_each_kind());
    const dcs::run_config again = dcs::config_of(dcs::parse_json(dcs::to_json(c).dump(), "again"), "again", c.network);
    fuzz::check(dcs::differing_key(c, again).empty() && c.epochs == again.epochs && c.data == again.data, "a configuration reads back");
  });
}
