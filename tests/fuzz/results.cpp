// train/run/results.hpp: a run's table of epochs.
#include "target.hpp"

#include <dcs/train/run/results.hpp>

DCS_FUZZ_TARGET(results) {
  static const fuzz::memory_file file;
  const std::string path = file.with(bytes), head(bytes.substr(0, bytes.find('\n')));
  fuzz::accepts([&] {
    const dcs::result_columns c = dcs::read_results(path);
    for (const auto& column : c.values) fuzz::check(column.size() == c.rows(), "columns are of one length");
  });
  fuzz::accepts([&] { dcs::expect_distinct_columns(head); });
  fuzz::accepts([&] { dcs::results_table(path, head).keep(3); });
}
