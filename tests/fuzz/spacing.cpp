// data/spacing.hpp: what is read of a table are lengths.
#include "target.hpp"

#include <dcs/data/spacing.hpp>

DCS_FUZZ_TARGET(spacing) {
  static const fuzz::scratch_folder set;
  set.with("spacing.csv", bytes);
  fuzz::accepts([&] {
    for (const auto& [name, s] : dcs::read_spacing(set.path()))
      fuzz::check(s.rows > 0 && s.columns > 0 && s.rows <= dcs::most_spacing && s.columns <= dcs::most_spacing, "spacings are lengths");
  });
}
