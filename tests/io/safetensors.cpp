#include <dcs/io/safetensors.hpp>

#include <doctest/doctest.h>

#include <fstream>

using namespace dcs;

namespace {

const std::string path = "safetensors_test.tmp";

void write_raw(const std::string& header, const std::string& data, std::uint64_t claimed) {
  std::ofstream f(path, std::ios::binary);
  for (int i = 0; i < 8; ++i) f.put(static_cast<char>(claimed >> (8 * i)));
  f << header << data;
}
void write_raw(const std::string& header, const std::string& data) { write_raw(header, data, header.size()); }

void check_refused(const std::string& header, const std::string& data, const char* words) {
  CAPTURE(header);
  write_raw(header, data);
  CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains(words), error);
}

}  // namespace

TEST_CASE("safetensors: what is written is read") {
  io::safetensors s;
  const float a[] = {1, 2, 3, 4, 5, 6};
  const double b = 7;
  const bf16 c[] = {bf16(1.5f), bf16(-2.0f)};
  s.put("a.weight", {2, 3}, a);
  s.put("b \"quoted\"\n", {}, &b);
  s.put("c", {2}, c);
  s.put("empty", {0, 4}, a);
  s.metadata["epoch"] = "3";
  io::write_safetensors(path, s);
  const auto r = io::read_safetensors(path);
  CHECK(r.tensors.size() == 4);
  CHECK(r.at("a.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(r.at("a.weight").as<double>()[5] == 6);
  CHECK(r.at("b \"quoted\"\n").as<float>()[0] == 7);
  CHECK(r.at("c").as<float>()[1] == -2);
  CHECK(r.at("empty").count() == 0);
  CHECK(r.metadata.at("epoch") == "3");
  CHECK_THROWS_AS(r.at("d"), error);
}

TEST_CASE("safetensors: every element type is converted") {
  auto read = [](const char* type, const std::string& bytes) {
    write_raw(std::string(R"({"a":{"dtype":")") + type + R"(","shape":[1],"data_offsets":[0,)" + std::to_string(bytes.size()) + "]}}", bytes);
    return io::read_safetensors(path).at("a").as<double>().at(0);
  };
  using namespace std::string_literals;
  CHECK(read("U8", "\xC8"s) == 200);
  CHECK(read("BOOL", "\x01"s) == 1);
  CHECK(read("I32", "\xFE\xFF\xFF\xFF"s) == -2);
  CHECK(read("I64", "\x03\0\0\0\0\0\0\x80"s) == doctest::Approx(-9.223372036854775805e18));
  CHECK(read("F16", "\0\xC1"s) == -2.5);
  CHECK(read("BF16", "\x20\xC0"s) == -2.5);
  CHECK(read("F32", "\0\0\x20\xC0"s) == -2.5);
  CHECK(read("F64", "\0\0\0\0\0\0\x04\xC0"s) == -2.5);
  std::remove(path.c_str());
}

TEST_CASE("safetensors: everything the format does not allow is refused") {
  const std::string four(4, 'x'), eight(8, 'x');
  write_raw(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four);
  CHECK(io::read_safetensors(path).tensors.size() == 1);
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", eight, "the tensors end at byte 4");
  check_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four, "need 8");
  check_refused(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", four, "unknown dtype");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight, "hole");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", eight, "overlaps");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight,
                "stands twice");
  check_refused(R"({"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}})", "", "__metadata__ stands twice");
  check_refused(R"({"__metadata__":{},"__metadata__":{"b":"2"}})", "", "__metadata__ stands twice");
  check_refused(R"({"__metadata__":{"a":"1","a":"2"}})", "", "metadata key a stands twice");
  check_refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four, "repeated key");
  check_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four, "not negative");
  check_refused(R"({"a":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,0]}})", "", "too large");
  check_refused(R"({"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,0]}})", "", "too large");
  check_refused(R"({"a":{"dtype":"F32","shape":[1]}})", four, "lacks");
  check_refused(R"({"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}})", four, "leading zero");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x)", four, "behind the header");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})", four, "expected");
  check_refused("{\"a\nb\":{}}", "", "control character");
  write_raw("{}", "", 1u << 30);
  CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains("header of"), error);
  write_raw("{}", "", ~std::uint64_t{0});
  CHECK_THROWS_AS(io::read_safetensors(path), error);
  std::ofstream(path, std::ios::binary) << "abc";
  CHECK_THROWS_WITH_AS(io::read_safetensors(path), doctest::Contains("shorter"), error);
  CHECK_THROWS_WITH_AS(io::read_safetensors("no/such/file"), doctest::Contains("cannot open"), error);
  std::remove(path.c_str());
}
