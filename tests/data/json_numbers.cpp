#include <dcs/data/coco.hpp>
#include <dcs/data/json_numbers.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <limits>

using namespace dcs;

TEST_CASE("whole numbers of JSON: what is no whole number within the bounds is refused, not cut off") {
  const auto read = [](const char* text, std::int64_t low, std::int64_t high) {
    return whole_number(nlohmann::json::parse(text), low, high, "here: ");
  };
  CHECK(read("7", 0, 10) == 7);
  CHECK(read("-7", -10, -1) == -7);
  CHECK(read("8.0", 0, 10) == 8);
  CHECK(read("4611686018427387904", 0, std::int64_t{1} << 62) == std::int64_t{1} << 62);
  CHECK(read("4.611686018427388e18", 0, std::int64_t{1} << 62) == std::int64_t{1} << 62);
  for (const char* wrong : {"11", "-1", "1.5", "1e300", "-1e300", "18446744073709551615", "true", "\"3\"", "null", "[1]", "{}"})
    CHECK_THROWS_WITH_AS(read(wrong, 0, 10), doctest::Contains("here: "), error);
  CHECK_THROWS_AS(read("18446744073709551615", -10, -1), error);
}

TEST_CASE("what stands in place of a whole number is shown on one line, and shortened") {
  const auto said = [](const nlohmann::json& v) {
    try {
      whole_number(v, 0, 10);
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(said("three\x7f") == "\"three\\x7f\" is no whole number from 0 to 10");
  CHECK(said(std::string(1 << 20, 'a')) == '"' + std::string(199, 'a') + "... is no whole number from 0 to 10");
}

TEST_CASE("numbers of a COCO file that are beyond 64 bits or no whole numbers are errors that name the file") {
  const auto folder = std::filesystem::temp_directory_path() / "dcs_json_numbers";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "annotations.json").string();
  for (const char* number : {"1e300", "1.5", "\"1\""})
    for (int at = 0; at < 5; ++at) {
      const auto n = [&](int place) { return std::string(place == at ? number : "1"); };
      std::ofstream(path) << R"({"images":[{"id":)" + n(0) + R"(,"file_name":"a.png","height":)" + n(1) + R"(,"width":)" + n(2) +
                                 R"(}],"categories":[{"id":)" + n(3) + R"(,"name":"x"}],"annotations":[{"image_id":)" + n(4) +
                                 R"(,"category_id":1,"segmentation":[]}]})";
      CHECK_THROWS_WITH_AS(coco_source(folder.string(), path), doctest::Contains("annotations.json"), error);
    }
  std::filesystem::remove_all(folder);
}
