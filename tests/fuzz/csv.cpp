// io/csv.hpp: what is read is the same after it was written. The first byte chooses the number of columns.
#include "target.hpp"

#include <dcs/io/csv.hpp>

DCS_FUZZ_TARGET(csv) {
  if (bytes.empty()) return;
  static const fuzz::memory_file file, written;
  const std::size_t columns = 1 + static_cast<unsigned char>(bytes[0]) % 4;
  fuzz::accepts([&] {
    const auto rows = dcs::io::read_csv(file.with(bytes.substr(1)), columns);
    std::string text;
    for (const auto& row : rows) {
      for (std::size_t k = 0; k < row.size(); ++k) text += (k ? "," : "") + dcs::io::csv_text(row[k]);
      if (row == std::vector<std::string>{""}) return;  // a line without characters is no row
      text += "\n";
    }
    if (text.starts_with("\xEF\xBB\xBF")) return;  // would be read as a byte order mark
    fuzz::check(dcs::io::read_csv(written.with(text), columns) == rows, "a table reads back");
  });
}
