// Comma-separated values: quotes, line ends of every system, and what is refused.
#include <dcs/io/csv.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

using namespace dcs;

namespace {
const std::string path = "csv_test.csv";
using rows = std::vector<std::vector<std::string>>;
rows read(const std::string& text, std::size_t columns) {
  std::ofstream(path, std::ios::binary) << text;
  return io::read_csv(path, columns);
}
}  // namespace

TEST_CASE("csv: rows and quoted fields; what is written is read back") {
  CHECK(read("name,group\na,1\r\nb,\n\n\"c,\"\"d\n\"\"\",3", 2) == rows{{"name", "group"}, {"a", "1"}, {"b", ""}, {"c,\"d\n\"", "3"}});
  CHECK(read("\xEF\xBB\xBFname\nx y", 1) == rows{{"name"}, {"x y"}});
  CHECK(read("", 2).empty());
  for (const std::string field : {"plain", "", "a,b", "\"", "two\nlines", " blanks "})
    CHECK(read("k," + io::csv_text(field) + "\n", 2) == rows{{"k", field}});
  std::filesystem::remove(path);
}

TEST_CASE("csv: what is no table is an error that names file and row") {
  for (const auto& [text, words] : {std::pair("a,b\nc\n", "row 2 has 1 fields; expected 2"), std::pair("a,b,c\n", "row 1 has 3 fields"),
                                    std::pair("a,\"b\n", "quote is not closed"), std::pair("\"a\"b,c\n", "text follows a closing quote")}) {
    CHECK_THROWS_WITH_AS((void)read(text, 2), doctest::Contains(words), error);
    CHECK_THROWS_WITH_AS((void)read(text, 2), doctest::Contains(path.c_str()), error);
  }
  std::filesystem::remove(path);
  CHECK_THROWS_WITH_AS((void)io::read_csv(path, 2), doctest::Contains(path.c_str()), error);
}
