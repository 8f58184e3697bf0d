#include <dcs/core/version.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

TEST_CASE("the version as text is made of its numbers, and is that of the citation and of the newest changes") {
  const std::string version = DCS_VERSION;
  CHECK(version == std::to_string(DCS_VERSION_MAJOR) + "." + std::to_string(DCS_VERSION_MINOR) + "." + std::to_string(DCS_VERSION_PATCH));
  const char* tests = std::getenv("DCS_TEST_DATA");
  REQUIRE(tests);
  const auto text = [&](const char* file) {
    std::ifstream f(std::string(tests) + "/../docs/" + file);
    return std::string(std::istreambuf_iterator<char>(f), {});
  };
  CHECK(text("CITATION.cff").find("\nversion: " + version + "\n") != std::string::npos);
  const std::string changes = text("CHANGELOG.md");
  const auto newest = changes.find("\n## ");
  REQUIRE(newest != std::string::npos);
  CHECK(changes.compare(newest + 4, version.size(), version) == 0);
}
